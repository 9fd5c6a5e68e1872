import { createReadStream, existsSync, statSync } from 'node:fs';
import { MAX_ENTRY_BYTES, parseEventLine } from '@indelible/event';
import { fileStore, openLog, openReader, type Log, type LogOptions } from '@indelible/log';
import { Acknowledgements } from '../acknowledgements.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, errorCode, errorMessage, usageError, type ExitStatus } from '../error.ts';
import { LineTooLong, readInputLines, type InputLine } from '../ndjson-lines.ts';
import { Progress } from '../progress.ts';
import { formatBytes, parseWholeNumber } from '../quantity.ts';
import { SIGNING_KEY_OPTION, findSigningKey, readSigner, type KeySource } from '../signing-key.ts';
import { newKeyPath } from '../staged-key.ts';
import { storeDirectory } from '../store-argument.ts';
import { warnOnce } from '../warnings.ts';

/** Enough to fill two batches; a slow disk makes callers wait, not memory grow. */
const UNDER_WAY = { count: 16_384, bytes: 32 << 20 };

/** Reads events from lines of JSON and records them. */
export const append: Command = {
  name: 'append',
  summary: 'record events, one JSON object a line',
  operands: ['[STORE]'],
  description:
    'Reads events as lines of JSON from stdin or a file and records them. For each one, in order, it prints {"id":…,"index":…} ' +
    'once the event is on disk and under a signed seal. At a bad line it stops: everything before it is recorded and acknowledged, nothing after it.',
  options: {
    file: { type: 'string', value: 'FILE', summary: 'read from FILE instead of stdin' },
    skip: { type: 'string', value: 'N', summary: 'pass over the first N lines: how to go on behind a bad one' },
    app: { type: 'string', value: 'NAME', summary: 'app of events that name none (default: indelible)' },
    'signing-key': SIGNING_KEY_OPTION,
  },
  examples: [
    `echo '{"event":"login","userId":"alice","ip":"203.0.113.7"}' | indelible append audit`,
    'indelible append audit --file events.ndjson > acknowledged.ndjson',
  ],
  exits: {
    0: 'every event is recorded and acknowledged',
    1: 'the record is damaged or was rolled back; nothing was recorded',
    2: 'a line was refused, the log is in use, or it cannot be written; the message says from where to go on',
  },
  run: runAppend,
};

async function runAppend(invocation: Invocation): Promise<ExitStatus> {
  const directory = storeDirectory(invocation, 'append');
  const skip = parseWholeNumber(invocation.text('skip') ?? '0');
  if (skip === undefined) throw usageError('--skip needs a number of lines from 0 up', 'append');
  const source = invocation.text('file') ?? '-';
  const fileBytes = source === '-' ? undefined : statSync(source).size; // before the log is opened: a wrong name records nothing
  await openReader(directory); // says in plain words where there is no log
  const key = findSigningKey(invocation, directory);
  const opening = new Progress('reading the record');
  const progress = new Progress('recording', { quiet: invocation.out.isTerminal, format: formatBytes });
  const log = await openWriter(key, {
    store: fileStore(directory),
    signer: readSigner(key),
    pin: key.pin,
    app: invocation.text('app') ?? 'indelible',
    onError: warnOnce(invocation.err),
    onProgress: (entries, total) => opening.update(entries, total),
  }).finally(() => opening.end());
  let end: End;
  try {
    const input = source === '-' ? process.stdin : createReadStream(source, { highWaterMark: 1 << 18 });
    if (source === '-' && process.stdin.isTTY) await invocation.err.write('reading events from the terminal, one JSON object a line; Ctrl-D ends\n');
    end = await record(log, input, { skip, invocation, progress, fileBytes });
    input.destroy();
  } finally {
    progress.end();
    await log.close();
  }
  if (end.stopped === undefined) return 0;
  if (end.stopped === '') return 2; // whoever read the acknowledgements has gone
  throw new CliError('ERR_CLI_INPUT_INVALID', end.stopped);
}

async function openWriter(key: KeySource, options: LogOptions): Promise<Log> {
  try {
    return await openLog(options);
  } catch (cause) {
    if (errorCode(cause) !== 'ERR_LOG_KEY_MISMATCH' || key.from !== 'file' || !existsSync(newKeyPath(key.path))) throw cause;
    throw new CliError('ERR_CLI_INCOMPLETE', `the key ${key.path} is not in force any more, and ${newKeyPath(key.path)} is there: a change of key was interrupted; run \`indelible key rotate\` again, which finishes it`, { cause });
  }
}

/** How the input ended; `stopped` says why before its end, and how to go on. */
interface End {
  readonly stopped?: string;
}

interface Work {
  readonly skip: number;
  readonly invocation: Invocation;
  readonly progress: Progress;
  readonly fileBytes: number | undefined;
}

async function record(log: Log, input: AsyncIterable<Uint8Array>, { skip, invocation, progress, fileBytes }: Work): Promise<End> {
  const { out } = invocation;
  const acks = new Acknowledgements(({ id, index }) => out.write(`{"id":"${id}","index":${index}}\n`), UNDER_WAY);
  let last = 0; // the last line that was submitted or passed over
  let bad: { line: number; why: string } | undefined;
  let readBytes = 0;
  let interrupted: string | undefined;
  const interrupt = (signal: string): void => {
    interrupted ??= signal;
    (input as { destroy?: () => void }).destroy?.();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    for await (const lines of readInputLines(input, MAX_ENTRY_BYTES)) {
      for (const line of lines) {
        readBytes += line.bytes.length + 1;
        if (line.number > skip && !isBlank(line.bytes)) {
          await acks.room();
          if (acks.hasFailed || interrupted !== undefined || out.closed) break;
          bad = await submit(log, line, acks);
          if (bad !== undefined) break;
        }
        last = line.number;
      }
      await out.write(''); // a slow reader of the acknowledgements slows us down
      if (fileBytes !== undefined) progress.update(readBytes, fileBytes);
      if (bad !== undefined || acks.hasFailed || interrupted !== undefined || out.closed) break;
    }
  } catch (error) {
    if (error instanceof LineTooLong) bad = { line: error.number, why: `it is longer than an entry may be, ${MAX_ENTRY_BYTES} bytes: shorten it` };
    else if (interrupted === undefined) bad = { line: last + 1, why: `the input could not be read: ${errorMessage(error)}` };
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  await acks.all();
  const [failed] = acks.failures;
  if (failed !== undefined) return { stopped: describeFailure(failed.line, failed.error, acks.failures.length, last) };
  const before = recordedBefore(skip, last);
  if (bad !== undefined) return { stopped: `line ${bad.line}: ${bad.why}; ${before}; correct it and ${bad.line === 1 ? 'try again' : `go on with --skip ${bad.line - 1}`}` };
  if (interrupted !== undefined) return { stopped: `stopped by ${interrupted}; ${before}; go on with --skip ${last}` };
  return out.closed ? { stopped: '' } : {};
}

/** Hands a line to the log. Returns what is wrong with it, if anything is: then it was not submitted. */
async function submit(log: Log, line: InputLine, acks: Acknowledgements): Promise<{ line: number; why: string } | undefined> {
  let refusal: unknown;
  try {
    const answer = log.append(parseEventLine(line.bytes));
    answer.catch((error: unknown) => {
      refusal = error;
    });
    // An event that is not valid has been rejected by now: one turn of the microtasks shows it, before the next line is submitted.
    await Promise.resolve();
    if (errorCode(refusal)?.startsWith('ERR_EVENT_') !== true) acks.add(line.number, line.bytes.length, answer);
  } catch (error) {
    refusal = error;
  }
  return errorCode(refusal)?.startsWith('ERR_EVENT_') === true ? { line: line.number, why: errorMessage(refusal) } : undefined;
}

function describeFailure(line: number, error: unknown, failures: number, last: number): string {
  const why = errorMessage(error);
  if (errorCode(error) !== 'ERR_LOG_ID_CONFLICT') {
    const others = failures === 1 ? '' : ` and ${failures - 1} more`;
    return `line ${line}${others} could not be recorded: ${why}; what was acknowledged is safe; go on with --skip ${line - 1} (events that carry an id are never recorded twice)`;
  }
  const others = failures === 1 ? '' : `, and so have ${failures - 1} more lines`;
  return `line ${line}: ${why}${others}; all other lines up to ${last} are recorded; go on with --skip ${last}`;
}

function recordedBefore(skip: number, last: number): string {
  if (last <= skip) return 'nothing is recorded';
  return last === skip + 1 ? `line ${last} is recorded, nothing after it` : `lines ${skip + 1} to ${last} are recorded, nothing after them`;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
