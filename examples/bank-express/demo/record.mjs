import { parseEntry } from '@indelible/event';
import { openReader } from '@indelible/log';
import { bold, cell, dim, print, red, WIDTH, yellow } from './page.mjs';

const LOUD = new Map([['concurrent_warning', yellow], ['login_failed', yellow], ['session_use_after_end', yellow], ['revoked', red]]);

/** The entries of a log up to its last seal: `{ index, line, entry }`. */
export async function readRecord(directory) {
  const reader = await openReader(directory);
  const record = [];
  for await (const { index, bytes } of reader.entries()) {
    record.push({ index, line: new TextDecoder().decode(bytes), entry: parseEntry(bytes) });
  }
  return record;
}

/** Prints the entries as a table, one line each. */
export function printRecord(record) {
  print(dim(`   ${['  #', 'time    ', cell('event', 21), cell('user', 6), cell('session', 14), cell('from', 15), 'what'].join('  ')}`));
  for (const { index, entry } of record) {
    const { event, timestamp, userId = '', sessionId = '', ip = '' } = entry;
    const isLife = event.startsWith('log_');
    const isToday = isLife && entry.recordedAt === undefined;
    const paint = isLife ? dim : (LOUD.get(event) ?? ((text) => text));
    const time = isToday ? 'today   ' : timestamp.slice(11, 19);
    const columns = [String(index).padStart(3), time, cell(event, 21), cell(userId, 6), cell(sessionId, 14), cell(ip, 15)];
    print(`   ${paint(`${columns.join('  ')}  ${remark(entry)}`.trimEnd())}`);
  }
}

/** The most telling field of an entry, in a few words. */
function remark({ event, timestamp, reason, idleDeadline, details = {} }) {
  const until = idleDeadline?.slice(11, 16);
  switch (event) {
    case 'login':
      return `until ${until}`;
    case 'extend':
      return `${reason === 'stay_signed_in' ? 'by wish' : 'by use'}, ${until}`;
    case 'timeout':
      return `${reason} at ${timestamp.slice(11, 16)}`;
    case 'concurrent_warning':
      return details.differs.join(', ');
    case 'reauthenticated':
      return `for ${details.transferId}`;
    case 'revoked':
      return `by ${details.revokedBy}`;
    case 'log_started':
      return details.adapter === undefined ? '' : 'capturing';
    case 'login_failed':
      return reason;
    default:
      return '';
  }
}

/** Prints one entry to the byte, broken between its fields. */
export function printEntry({ line }) {
  const lines = [''];
  for (const field of line.split(/(?<=,)(?=")/)) {
    if (lines.at(-1) !== '' && lines.at(-1).length + field.length > WIDTH - 6) lines.push('');
    lines[lines.length - 1] += field;
    while (lines.at(-1).length > WIDTH - 6) lines.splice(-1, 1, lines.at(-1).slice(0, WIDTH - 6), lines.at(-1).slice(WIDTH - 6));
  }
  for (const part of lines) print(`      ${dim(part)}`);
}

/** Prints a transfer with the login that its session leads to. */
export function printLink(transfer, record) {
  const login = record.find(({ entry }) => entry.event === 'login' && entry.sessionId === transfer.sessionId);
  const amount = (transfer.amountCents / 100).toFixed(2);
  const who = `signed in at entry ${bold(String(login.index))}, from ${login.entry.ip}`;
  print(`   ${transfer.transferId}  ${amount.padStart(8)}  to ${cell(transfer.to, 10)}  ${cell(transfer.sessionId, 14)}  ${who}`);
}
