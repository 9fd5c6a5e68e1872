import { parseEntry } from '@indelible/event';
import { openReader, type SealedEntry } from '@indelible/log';
import type { Command, Invocation } from '../command.ts';
import { usageError, type ExitStatus } from '../error.ts';
import { parseWholeNumber } from '../quantity.ts';
import { storeDirectory } from '../store-argument.ts';
import { visibleText } from '../visible-text.ts';

const LINES_FOR_PEOPLE = 10;
const LF = Uint8Array.of(0x0a);

/** Shows sealed entries: a table for people, or the exact lines for programs. */
export const tail: Command = {
  name: 'tail',
  summary: 'show the record, and follow it as it grows',
  operands: ['[STORE]'],
  description:
    'Shows sealed entries, and nothing that no seal covers. For people: the last 10, one line each, with the reason of timeouts and failures. With --events or --json: all of them, ' +
    'the entries alone, without seals. --events prints the exact bytes that were hashed (escape sequences are made harmless on a terminal).',
  options: {
    follow: { type: 'boolean', short: 'f', summary: 'go on with what is sealed next, also by another process, until interrupted' },
    events: { type: 'boolean', summary: 'print each entry as it stands on the record, one line of JSON each' },
    lines: { type: 'string', short: 'n', value: 'N', summary: 'begin with the last N entries' },
    from: { type: 'string', value: 'INDEX', summary: 'begin with the entry of this index; 0 is the first' },
  },
  examples: ['indelible tail audit --follow', 'indelible tail audit --events --from 41200 | jq .userId'],
  exits: { 0: 'shown, or interrupted while following', 1: 'the record is damaged', 2: 'the log cannot be read' },
  run: runTail,
};

async function runTail(invocation: Invocation): Promise<ExitStatus> {
  const { out, json } = invocation;
  const directory = storeDirectory(invocation, 'tail');
  const events = invocation.flag('events');
  const given = { lines: wholeNumber(invocation, 'lines'), from: wholeNumber(invocation, 'from') };
  if (given.lines !== undefined && given.from !== undefined) throw usageError('--lines and --from exclude each other: give one of them', 'tail');
  const reader = await openReader(directory);
  const lines = given.lines ?? (events || json || given.from !== undefined ? undefined : LINES_FOR_PEOPLE);
  const from = given.from ?? (lines === undefined ? 0 : Math.max(0, ((await reader.seal())?.treeSize ?? 0) - lines));

  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    if (!events && !json) {
      await out.write(HEADER);
      // For whoever looks; a program counts lines.
      if (out.isTerminal && ((await reader.seal())?.treeSize ?? 0) === 0) await out.write('no entries yet\n');
    }
    for await (const entry of reader.entries({ from, follow: invocation.flag('follow'), signal: abort.signal })) {
      if (events) await writeRaw(invocation, entry);
      else if (json) await out.write(`${formatJson(entry, out.isTerminal)}\n`);
      else await out.write(formatRow(entry));
      if (out.closed || abort.signal.aborted) break;
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
  return 0;
}

function wholeNumber(invocation: Invocation, option: string): number | undefined {
  const text = invocation.text(option);
  const value = text === undefined ? undefined : parseWholeNumber(text);
  if (text !== undefined && value === undefined) throw usageError(`--${option} needs a whole number from 0 up`, 'tail');
  return value;
}

async function writeRaw({ out }: Invocation, entry: SealedEntry): Promise<void> {
  if (out.isTerminal) {
    await out.write(`${visibleText(decode(entry.bytes))}\n`); // \uXXXX inside a JSON string means the same character
    return;
  }
  void out.write(entry.bytes);
  await out.write(LF);
}

function formatJson({ index, bytes }: SealedEntry, isTerminal: boolean): string {
  const line = decode(bytes);
  const entry = isJson(line) ? line : JSON.stringify(line); // entries of a later format may be no JSON
  return `{"index":${index},"entry":${isTerminal ? visibleText(entry) : entry}}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Widths of the columns; what is longer takes more room. */
const COLUMNS = [
  ['TIME', 24],
  ['EVENT', 31], // session_use_after_end (failure)
  ['USER', 20],
  ['SESSION', 24],
  ['IP', 15],
  ['INDEX', 7],
  ['REASON', 0],
] as const;

const HEADER = formatColumns(COLUMNS.map(([title]) => title));

function formatRow({ index, bytes }: SealedEntry): string {
  const line = decode(bytes);
  try {
    const { timestamp, event, userId, sessionId, ip, outcome, reason } = parseEntry(line);
    const what = outcome === 'failure' ? `${event} (failure)` : event;
    const why = event === 'timeout' || outcome === 'failure' ? (reason ?? '') : '';
    return formatColumns([timestamp, what, userId ?? '-', sessionId ?? '-', ip ?? '-', String(index), why].map(visibleText));
  } catch {
    return formatColumns(['?', visibleText(line.slice(0, 60)), '-', '-', '-', String(index)]); // a line of a later format
  }
}

function formatColumns(cells: readonly string[]): string {
  const padded = cells.map((cell, i) => cell.padEnd(COLUMNS[i]?.[1] ?? 0));
  return `${padded.join('  ').trimEnd()}\n`;
}
