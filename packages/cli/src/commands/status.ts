import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { entryTime, parseEntry } from '@indelible/event';
import { describeSegments, isLocked, openReader, readAppendOnly, type RecordReader } from '@indelible/log';
import { formatBase64 } from '@indelible/tlog';
import type { Command, Invocation } from '../command.ts';
import { usageError, type ExitStatus } from '../error.ts';
import { comparePin, tryReadPin } from '../pin-state.ts';
import { parseDuration } from '../quantity.ts';
import { SIGNING_KEY_OPTION, findSigningKey } from '../signing-key.ts';
import { formatStatus, type LogStatus } from '../status-report.ts';
import { storeDirectory } from '../store-argument.ts';

/** Says how a log is doing, without changing anything. */
export const status: Command = {
  name: 'status',
  summary: 'say how a log is doing',
  operands: ['[STORE]'],
  description:
    'Shows origin, size, newest seal and its age, segments, append-only attributes, whether a process writes, and the state of cache and pin. ' +
    'Reads little and writes nothing; it proves nothing either, that is what verify does. The age is that of the newest entry: a log that is ' +
    'being written has a heartbeat every minute, so --max-age tells a monitor that somebody still records.',
  options: {
    'max-age': { type: 'string', value: 'AGE', summary: 'fail where the newest sealed entry is older: 90s, 5m, 2h, 1d' },
    'signing-key': { ...SIGNING_KEY_OPTION, summary: 'whose pin to look at; the key itself is not read (default: as for append)' },
  },
  examples: ['indelible status audit', 'indelible status audit --max-age 5m --json'],
  exits: {
    0: 'readable, and young enough if --max-age was given',
    1: 'older than --max-age, or older than the pin beside the signing key: rolled back',
    2: 'the log cannot be read',
  },
  run: runStatus,
};

async function runStatus(invocation: Invocation): Promise<ExitStatus> {
  const directory = storeDirectory(invocation, 'status');
  const age = invocation.text('max-age');
  const maxAgeMs = age === undefined ? undefined : parseDuration(age);
  if (age !== undefined && maxAgeMs === undefined) throw usageError('--max-age needs a number and a unit: 90s, 5m, 2h or 1d', 'status');
  const found = await gatherStatus(directory, findSigningKey(invocation, directory).pin, maxAgeMs);
  await invocation.out.write(invocation.json ? `${JSON.stringify(found)}\n` : formatStatus(found));
  return found.tooOld || found.pin.state === 'ahead' || found.pin.state === 'differs' ? 1 : 0;
}

async function gatherStatus(directory: string, pinFile: string, maxAgeMs: number | undefined): Promise<LogStatus> {
  const reader = await openReader(directory);
  const { origin, key, created } = await reader.describe();
  const pin = tryReadPin(pinFile);
  const newest = await reader.seal();
  const segments = await describeSegments(directory);
  const names = ['log.json', ...segments.map(({ name }) => name)];
  const [own, ...files] = await readAppendOnly([directory, ...names.map((name) => join(directory, name))]);
  const entry = newest === undefined ? undefined : await describeNewest(reader, newest.treeSize - 1);
  const ageMs = entry === undefined ? undefined : Math.max(0, Date.now() - entry.timeMs);
  return {
    directory,
    origin,
    genesisKey: key,
    created,
    entries: newest?.treeSize ?? 0,
    ...(newest === undefined ? {} : { seal: { treeSize: newest.treeSize, rootHash: formatBase64(newest.rootHash) } }),
    ...(entry === undefined ? {} : { newest: { event: entry.event, time: new Date(entry.timeMs).toISOString(), ageMs: ageMs! } }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    tooOld: maxAgeMs !== undefined && (ageMs === undefined || ageMs > maxAgeMs),
    locked: await isLocked(directory),
    segments: segments.map((segment, i) => ({ ...segment, appendOnly: files[i + 1] ?? null })),
    appendOnly: { directory: own ?? null, files: Object.fromEntries(names.map((name, i) => [name, files[i] ?? null])) },
    cache: describeCache(directory, newest?.treeSize ?? 0),
    pin: { file: pinFile, ...comparePin(pin, origin, newest) },
  };
}

async function describeNewest(reader: RecordReader, index: number): Promise<{ event: string; timeMs: number }> {
  const bytes = await reader.entry(index);
  const { event, recordedAt } = parseEntry(bytes);
  return { event, timeMs: recordedAt === undefined ? entryTime(bytes) : Date.parse(recordedAt) };
}

function describeCache(directory: string, sealed: number): LogStatus['cache'] {
  const cache = join(directory, 'cache');
  if ((tryRead(() => readdirSync(cache)) ?? []).length === 0) return { state: 'missing' };
  const text = tryRead(() => readFileSync(join(cache, 'state.json'), 'utf8'));
  const size = text === undefined ? undefined : (tryRead(() => (JSON.parse(text) as { size?: unknown }).size));
  if (typeof size !== 'number') return { state: 'unfinished' };
  return { state: size > sealed ? 'ahead' : size === sealed ? 'complete' : 'behind', entries: size };
}

/** What a status cannot find out is part of it, not the end of it. */
function tryRead<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
