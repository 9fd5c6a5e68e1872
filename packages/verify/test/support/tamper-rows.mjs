// The tamper table: what is done to a copy of the victim (see victim.mjs), and what the verifier must say. `index` is the first entry
// concerned; everything below it is still proven. `needs` marks what no verifier can see in the log alone.
import { mkdtempSync, rmSync, writeFileSync, mkdirSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordWriter, Tree, makeEntry, makeKey, makeNote } from './record-writer.mjs';
import { ATTACKER, ATTACKER_NEXT, KEY, NEXT_KEY, ORIGIN, writeVictim } from './victim.mjs';

// Lines of segment 0: header, entries 0–2, seal, entries 3–6, seal, entry 7, seal.
const [HEADER, ENTRY_0, SEAL_3, ENTRY_3, ENTRY_4, SEAL_7, ENTRY_7] = [0, 1, 4, 5, 6, 9, 10];
// Lines of segment 3: header, entries 20–21, seal, entries 22–24, seal.
const [ENTRY_22, LAST_SEAL] = [4, 7];

const flip = (text) => (text === 'A' ? 'B' : 'A');
/** Changes one character of the value of a field, keeping its form. */
const flipAfter = (mark) => (line) => {
  const at = line.indexOf(mark);
  if (at < 0) throw new Error(`${mark} is not in ${line}`);
  const character = line[at + mark.length];
  const other = /[0-9]/.test(character) ? String((Number(character) + 1) % 10) : flip(character);
  return line.slice(0, at + mark.length) + other + line.slice(at + mark.length + 1);
};
const swap = (lines, a, b) => lines.map((line, i) => (i === a ? lines[b] : i === b ? lines[a] : line));
const insert = (lines, at, ...more) => [...lines.slice(0, at), ...more, ...lines.slice(at)];
const remove = (lines, from, count = 1) => [...lines.slice(0, from), ...lines.slice(from + count)];

const row = (name, how, code, index, rest = {}) => ({ name, how, code, index, verdict: 'not_sound', ...rest });
const harmless = (name, how, code, index, rest = {}) => ({ name, how, code, index, verdict: 'sound', ...rest });

const sealField = (name, mark, code) => row(`seal: ${name} changed`, (log) => log.line(0, SEAL_7, flipAfter(mark)), code, 3);
const headerField = (name, mark) =>
  row(`header: ${name} changed`, (log) => log.line(1, HEADER, flipAfter(mark)), 'segment_missing', 8);

/** A whole log written by somebody else, put in the place of the copy. */
const replaceBy = (log, write) => {
  rmSync(log.directory, { recursive: true });
  write(log.directory);
};

/** The victim as it was when it had 22 entries. */
const older = (log) => log.lines(3, (lines) => [...lines.slice(0, ENTRY_22), '']);

const ENTRIES = [
  row('entry: one bit flipped', (log) => log.replace(0, ENTRY_4, 'u4', 'u5'), 'history_changed', 3),
  row('entry: first of the log changed', (log) => log.replace(0, ENTRY_0, 'login', 'logon'), 'history_changed', 0),
  row('entry: last of the log changed', (log) => log.replace(3, ENTRY_22 + 2, 'u24', 'u42'), 'history_changed', 22),
  row('entry: time changed', (log) => log.replace(0, ENTRY_4, '08:00:04', '08:00:05'), 'history_changed', 3),
  row('entry: made longer', (log) => log.replace(0, ENTRY_4, 'u4', 'u4444'), 'history_changed', 3),
  row('entry: deleted', (log) => log.lines(0, (lines) => remove(lines, ENTRY_4)), 'history_changed', 3),
  row('entry: blanked, line kept', (log) => log.line(0, ENTRY_4, (line) => ' '.repeat(line.length)), 'history_changed', 3),
  row('entry: inserted', (log) => log.lines(0, (lines) => insert(lines, ENTRY_4, makeEntry(4))), 'history_changed', 3),
  row('entry: duplicated', (log) => log.lines(0, (lines) => insert(lines, ENTRY_4, lines[ENTRY_4])), 'history_changed', 3),
  row('entry: two swapped in a batch', (log) => log.lines(0, (lines) => swap(lines, ENTRY_3, ENTRY_4)), 'history_changed', 3),
  row('entry: two swapped across batches', (log) => log.lines(0, (lines) => swap(lines, ENTRY_0, ENTRY_4)), 'history_changed', 0),
  row('entry: two joined to one line', (log) => log.lines(0, (lines) => [...lines.slice(0, ENTRY_3), lines[ENTRY_3] + lines[ENTRY_4], ...lines.slice(ENTRY_4 + 1)]), 'history_changed', 3),
  row('entry: CRLF line end', (log) => log.line(0, ENTRY_4, (line) => `${line}\r`), 'history_changed', 3),
  row('entry: moved to the end', (log) => log.lines(0, (lines) => insert(remove(lines, ENTRY_4), lines.length - 2, lines[ENTRY_4])), 'history_changed', 3),
  row('entry: made a control line', (log) => log.line(0, ENTRY_4, (line) => `{"indelible":${line.slice(13)}`), 'history_changed', 3),
  row('batch: deleted with its seal', (log) => log.lines(0, (lines) => remove(lines, ENTRY_3, 5)), 'entries_missing', 3),
  row('batch: duplicated with its seal', (log) => log.lines(0, (lines) => insert(lines, ENTRY_7, ...lines.slice(ENTRY_3, ENTRY_7))), 'entries_missing', 7),
  row('batch: two swapped with their seals', (log) => log.lines(0, (lines) => [...lines.slice(0, ENTRY_3), ...lines.slice(ENTRY_7, 12), ...lines.slice(ENTRY_3, ENTRY_7), '']), 'entries_missing', 3),
  row('foreign line: inserted between sealed ones', (log) => log.lines(0, (lines) => insert(lines, ENTRY_3, 'x')), 'history_changed', 3),
];

const SEALS = [
  sealField('offset', '"offset":', 'history_changed'),
  sealField('length', '"length":', 'history_changed'),
  sealField('first', '"first":', 'entries_missing'),
  sealField('origin', `"note":"${ORIGIN.slice(0, 4)}`, 'seal_damaged'),
  sealField('tree size', `${ORIGIN}\\n`, 'seal_damaged'),
  sealField('root', `${ORIGIN}\\n7\\n`, 'seal_damaged'),
  sealField('name in the signature', `— ${ORIGIN.slice(0, 4)}`, 'seal_damaged'),
  sealField('key ID', `— ${ORIGIN} `, 'seal_damaged'),
  row('seal: signature changed', (log) => log.replace(0, SEAL_7, /(— \S+ .{20})(.)/, (_, before, character) => before + flip(character)), 'seal_damaged', 3),
  sealField('kind', '{"indelible":"s', 'seal_damaged'),
  row('seal: control prefix changed', (log) => log.replace(0, SEAL_7, '"indelible"', '"indelibel"'), 'entries_missing', 3),
  row('seal: first lowered', (log) => log.replace(0, SEAL_7, '"first":3', '"first":2'), 'history_changed', 3),
  row('seal: deleted', (log) => log.lines(0, (lines) => remove(lines, SEAL_7)), 'entries_missing', 3),
  row('seal: leading zero in offset', (log) => log.replace(0, SEAL_7, '"offset":', '"offset":0'), 'seal_damaged', 3),
  row('seal: offset as 1e3', (log) => log.replace(0, SEAL_7, /"offset":(\d+)/, '"offset":$1e0'), 'seal_damaged', 3),
  row('seal: leading zero in tree size', (log) => log.replace(0, SEAL_7, '\\n7\\n', '\\n07\\n'), 'seal_damaged', 3),
  row('seal: plus sign in tree size', (log) => log.replace(0, SEAL_7, '\\n7\\n', '\\n+7\\n'), 'seal_damaged', 3),
  row('seal: CRLF line end', (log) => log.line(0, SEAL_7, (line) => `${line}\r`), 'seal_damaged', 3),
  row('seal: CRLF in the note', (log) => log.replace(0, SEAL_7, '\\n7\\n', '\\r\\n7\\n'), 'seal_damaged', 3),
  row('seal: second blank line', (log) => log.replace(0, SEAL_7, '\\n\\n', '\\n\\n\\n'), 'seal_damaged', 3),
  row('seal: signature line twice', (log) => log.replace(0, SEAL_7, /(— [^"]*)"/, '$1$1"'), 'seal_damaged', 3),
  row('seal: signature of another key added', (log) => log.replace(0, SEAL_7, /(— [^"]*)"/, `$1— ${makeNote(ATTACKER, 7, Buffer.alloc(32)).split('— ')[1].trimEnd()}\\n"`), 'seal_damaged', 3),
  row('seal: extension line added', (log) => log.replace(0, SEAL_7, '\\n\\n', '\\nextension\\n\\n'), 'seal_damaged', 3),
  row('seal: white space added', (log) => log.replace(0, SEAL_7, '"first":', '"first": '), 'seal_damaged', 3),
  row('seal: em dash escaped', (log) => log.replace(0, SEAL_7, '—', '\\u2014'), 'seal_damaged', 3),
  row('seal: solidus escaped', (log) => log.replace(0, SEAL_7, 'bank.example/', 'bank.example\\/'), 'seal_damaged', 3),
  row('seal: fields reordered', (log) => log.replace(0, SEAL_7, /("offset":\d+),("length":\d+)/, '$2,$1'), 'seal_damaged', 3),
  row('seal: field added', (log) => log.replace(0, SEAL_7, '"first":', '"x":1,"first":'), 'seal_damaged', 3),
  row('seal: field twice', (log) => log.replace(0, SEAL_7, '"first":', '"first":3,"first":'), 'seal_damaged', 3),
  row('seal: base64 padding removed', (log) => log.replace(0, SEAL_7, '=\\n"', '\\n"'), 'seal_damaged', 3),
  row('seal: base64 spelt differently', (log) => log.replace(0, SEAL_7, /(.)=\\n"}$/, (_, last) => `${spareBits(last)}=\\n"}`), 'seal_damaged', 3),
  row('seal: replaced by one of another key', (log) => log.replace(0, SEAL_7, /"note":"(.*?)\\n\\n.*$/, (_, text) => `"note":${JSON.stringify(resign(text))}}`), 'seal_damaged', 3),
  row('seal: of an earlier size in its place', (log) => log.lines(0, (lines) => lines.map((line, i) => (i === SEAL_7 ? lines[SEAL_3] : line))), 'entries_missing', 3),
  row('seal: last one damaged', (log) => log.line(3, LAST_SEAL, flipAfter('"length":')), 'history_changed', 22),
  row('seal: signature of the last one damaged', (log) => log.replace(3, LAST_SEAL, '\\n25\\n', '\\n26\\n'), 'seal_damaged', 22),
];

/** The same bytes in base64, but for bits that decoders ignore. */
function spareBits(last) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return alphabet[alphabet.indexOf(last) + 1];
}

function resign(text) {
  const [, size, root] = text.split('\\n');
  return makeNote(ATTACKER, Number(size), Buffer.from(root, 'base64'));
}

const HEADERS = [
  headerField('format version', '"v":'),
  headerField('origin', '"origin":"b'),
  headerField('segment number', '"segment":'),
  headerField('digest of log.json', '"log":"'),
  headerField('key', '"key":"bank.example/audit+f4abeaae+AYq'),
  headerField('time', '"time":"202'),
  headerField('size', '"size":'),
  headerField('edge', '"edge":["'),
  headerField('previous segment', '"prev":{"segment":'),
  headerField('previous length', '"length":'),
  headerField('dead bytes', '"dead":'),
  headerField('digest of dead bytes', '"digest":"'),
  headerField('reason', '"reason":"'),
  headerField('seal', '"seal":"'),
  headerField('signature', '"sig":"'),
  row('header: CRLF line end', (log) => log.line(1, HEADER, (line) => `${line}\r`), 'segment_missing', 8),
  row('header: deleted', (log) => log.lines(1, (lines) => lines.slice(1)), 'segment_missing', 8),
  row('header: of segment 0 changed', (log) => log.line(0, HEADER, flipAfter('"time":"202')), 'header_invalid', 0),
  row('header: of the last segment changed', (log) => log.line(3, HEADER, flipAfter('"time":"202')), 'segment_damaged', 20),
];

const SEGMENTS = [
  row('segment: first deleted', (log) => log.remove(0), 'segment_missing', 0),
  row('segment: middle one deleted', (log) => log.remove(1), 'segment_missing', 8),
  row('segment: two swapped', (log) => swapFiles(log, 1, 2), 'segment_misplaced', 8),
  row('segment: renamed', (log) => { log.write(5, log.read(3)); log.remove(3); }, 'segment_misplaced', 20),
  row('segment: emptied', (log) => log.write(1, ''), 'segment_missing', 8),
  row('segment: truncated by one byte', (log) => log.truncate(0, log.read(0).length - 1), 'segment_short', 7),
  row('segment: truncated behind a seal', (log) => log.lines(0, (lines) => [...lines.slice(0, ENTRY_7), '']), 'segment_short', 7),
  row('segment: replaced from an older copy', (log) => log.lines(1, (lines) => [...lines.slice(0, 4), '']), 'segment_short', 10),
  row('segment: last sealed batch of a closed one overwritten', (log) => log.line(0, ENTRY_7, (line) => 'x'.repeat(line.length)), 'history_changed', 7),
  row('segment: two successors, both signed by the key', fork, 'fork', 20),
  harmless('segment: copy under the next number', (log) => log.write(4, log.read(3)), 'not_a_segment', undefined),
  harmless('segment: planted by another key', plant, 'not_a_segment', undefined),
  harmless('segment: file of garbage under the next number', (log) => log.write(4, 'garbage\n'), 'not_a_segment', undefined),
  harmless('dead bytes: changed', (log) => editDead(log, (dead) => dead.fill(0x78)), 'dead_bytes_changed', undefined),
  harmless('dead bytes: removed', (log) => log.truncate(1, log.read(1).length - 5), 'dead_bytes_changed', undefined),
  harmless('dead bytes: more appended', (log) => log.append(1, makeEntry(14)), 'dead_bytes_changed', undefined),
  harmless('foreign bytes: changed', (log) => log.replace(1, 4, 'other', 'OTHER'), 'foreign_bytes', 10),
];

function swapFiles(log, a, b) {
  const bytes = log.read(a);
  log.write(a, log.read(b));
  log.write(b, bytes);
}

function editDead(log, change) {
  const bytes = log.read(1);
  change(bytes.subarray(bytes.length - 5));
  log.write(1, bytes);
}

/** The same log once more, continued in segment 4 instead of 3. */
function fork(log) {
  const other = mkdtempSync(join(tmpdir(), 'indelible-fork-'));
  const writer = new RecordWriter(other, KEY);
  writer.fill(3).fill(4).fill(1).next();
  writer.fill(2).raw('some other program\n').fill(3);
  writer.batch([makeEntry(13, { event: 'heartbeat', userId: undefined, sessionId: undefined })]).next('torn', { dead: '{"id":"019390a0-half' });
  writer.fill(5).batch([writer.keyChange(NEXT_KEY)]);
  writer.key = NEXT_KEY;
  writer.next('key_changed', { skip: 1 }).fill(2, { userId: 'other' });
  cpSync(writer.path, log.path(4));
  rmSync(other, { recursive: true });
}

function plant(log) {
  const other = mkdtempSync(join(tmpdir(), 'indelible-plant-'));
  const writer = writeVictim(other, { key: ATTACKER, nextKey: ATTACKER_NEXT });
  writer.next().fill(2);
  cpSync(writer.path, log.path(4));
  rmSync(other, { recursive: true });
}

const LOG_FILES = [
  row('log.json: key swapped', (log) => log.replace('log.json', 0, KEY.vkey, ATTACKER.vkey), 'log_file_changed', 0),
  row('log.json: creation time changed', (log) => log.line('log.json', 0, flipAfter('"created":"202')), 'log_file_changed', 0),
  row('log.json: origin changed', (log) => log.replace('log.json', 0, `"origin":"${ORIGIN}`, '"origin":"bank.example/other'), 'log_file_invalid', 0),
  row('log.json: white space added', (log) => log.replace('log.json', 0, '"v":1', '"v": 1'), 'log_file_invalid', 0),
  row('log.json: not JSON', (log) => log.write('log.json', 'hello\n'), 'log_file_invalid', 0),
  row('log.json: deleted', (log) => log.remove('log.json'), 'log_file_invalid', 0),
  { name: 'log.json: format version changed', how: (log) => log.replace('log.json', 0, '"v":1', '"v":2'), code: 'version_unknown', index: 0, verdict: 'not_proven' },
];

const rewritten = (log, options) => replaceBy(log, (directory) => writeVictim(directory, options));
const WITNESS = 'a seal kept elsewhere';

const HISTORIES = [
  row('rewritten and signed by another key', (log) => rewritten(log, { key: ATTACKER, nextKey: ATTACKER_NEXT, user: 'mallory' }), 'key_mismatch', 0),
  { name: 'rewritten and signed by another key, no key given', how: (log) => rewritten(log, { key: ATTACKER, nextKey: ATTACKER_NEXT, user: 'mallory' }), code: 'key_not_proven', verdict: 'not_proven', key: null },
  row('rewritten and signed by another key, kept seal, no key given', (log) => rewritten(log, { key: ATTACKER, nextKey: ATTACKER_NEXT, user: 'mallory' }), 'kept_seal_unknown', undefined, { key: null, since: 7 }),
  harmless('rewritten by the holder of the key', (log) => rewritten(log, { user: 'mallory' }), undefined, undefined, { needs: WITNESS }),
  row('rewritten by the holder of the key, kept seal', (log) => rewritten(log, { user: 'mallory' }), 'history_rewritten', 0, { since: 7 }),
  harmless('cut back to an older seal', older, undefined, undefined, { needs: WITNESS }),
  row('cut back to an older seal, kept seal', older, 'rolled_back', 22, { since: 25 }),
  harmless('cut back in the middle of a batch', (log) => log.truncate(3, log.read(3).length - 600), 'unsealed_bytes', 22, { needs: WITNESS }),
  row('cut back in the middle of a batch, kept seal', (log) => log.truncate(3, log.read(3).length - 600), 'rolled_back', 22, { since: 25 }),
  harmless('last line cut by one byte', (log) => log.truncate(3, log.read(3).length - 1), 'unsealed_bytes', 22, { needs: WITNESS }),
  harmless('last segment deleted', (log) => log.remove(3), undefined, undefined, { needs: WITNESS }),
  row('last segment deleted, kept seal', (log) => log.remove(3), 'rolled_back', 20, { since: 22 }),
  { name: 'last segment deleted, its key given', how: (log) => log.remove(3), code: 'key_not_proven', verdict: 'not_proven', key: NEXT_KEY.vkey },
  harmless('last segment replaced by one of another key', replaceLast, 'not_a_segment', undefined, { needs: WITNESS }),
  row('last segment replaced by one of another key, kept seal', replaceLast, 'rolled_back', 20, { since: 25 }),
  row('cut back and continued by the holder of the key, kept seal', continued, 'history_rewritten', 0, { since: 25 }),
  { name: 'all segments deleted', how: (log) => [0, 1, 2, 3].forEach((segment) => log.remove(segment)), code: 'nothing_sealed', verdict: 'not_proven', needs: WITNESS },
  row('all segments but the first deleted, kept seal', (log) => [1, 2, 3].forEach((segment) => log.remove(segment)), 'rolled_back', 8, { since: 13 }),
  row('all segments but the first deleted, kept seal of a later key', (log) => [1, 2, 3].forEach((segment) => log.remove(segment)), 'kept_seal_unknown', undefined, { since: 25 }),
  row('another key given', () => undefined, 'key_mismatch', 0, { key: makeKey(ORIGIN, 9).vkey }),
  row('seal of another log given', () => undefined, 'kept_seal_unknown', undefined, { since: makeNote(makeKey('other.example', 5), 3, Buffer.alloc(32)) }),
];

function replaceLast(log) {
  const other = mkdtempSync(join(tmpdir(), 'indelible-replace-'));
  const writer = writeVictim(other, { nextKey: ATTACKER, user: 'mallory' });
  cpSync(writer.path, log.path(3));
  rmSync(other, { recursive: true });
}

function continued(log) {
  rmSync(log.directory, { recursive: true });
  const writer = writeVictim(log.directory, {});
  // Entries 22 to 24 are others than those that were sealed before.
  const bytes = log.read(3).toString('utf8').split('\n').slice(0, ENTRY_22).join('\n');
  writeFileSync(writer.path, `${bytes}\n`);
  const tree = new Tree();
  for (const line of [0, 1, 2, 3].flatMap((segment) => log.read(segment).toString('utf8').split('\n'))) {
    if (line.startsWith('{"id":"') && !line.endsWith('half')) tree.add(line);
  }
  writer.tree = tree;
  writer.length = Buffer.byteLength(bytes) + 1;
  writer.fill(3, { userId: 'mallory' });
}

const APPENDED = [
  harmless('appended: foreign line', (log) => log.append(3, 'echo\n'), 'unsealed_bytes', 25),
  harmless('appended: forged entries without a seal', (log) => log.append(3, `${makeEntry(25)}\n${makeEntry(26)}\n`), 'unsealed_bytes', 25),
  harmless('appended: zeros', (log) => log.append(3, Buffer.alloc(5_000)), 'unsealed_bytes', 25),
  harmless('appended: half a seal', (log) => log.append(3, '{"indelible":"seal","offset":'), 'unsealed_bytes', 25),
  harmless('appended: control line of nobody', (log) => log.append(3, '{"indelible":"hello"}\n'), 'unsealed_bytes', 25),
  harmless('appended: copy of the last batch and its seal', (log) => log.append(3, log.read(3).toString('utf8').split('\n').slice(ENTRY_22).join('\n')), 'seal_replayed', undefined),
  row('appended: forged entry, sealed by another key', (log) => log.append(3, forgedBatch()), 'seal_damaged', 25),
  row('appended: text that poses as a seal', (log) => log.append(3, `{"indelible":"seal","note":"${ORIGIN}"}\n`), 'seal_damaged', 25),
  { name: 'appended: reserved control line', how: (log) => log.append(3, '{"indelible":"prune","below":5}\n'), code: 'reserved_line', verdict: 'not_proven' },
  harmless('cache: poisoned', poisonCache, undefined, undefined),
  harmless('other files in the directory', (log) => writeFileSync(join(log.directory, 'notes.txt'), 'hello'), undefined, undefined),
];

function forgedBatch() {
  const entry = makeEntry(25, { userId: 'mallory' });
  const note = makeNote(ATTACKER, 26, Buffer.alloc(32, 1));
  return `${entry}\n${JSON.stringify({ indelible: 'seal', offset: 0, length: entry.length + 1, first: 25, note })}\n`;
}

function poisonCache(log) {
  mkdirSync(join(log.directory, 'cache'));
  for (const name of ['tree', 'ids', 'state.json']) writeFileSync(join(log.directory, 'cache', name), Buffer.alloc(4_096, 0x41));
}

/** All rows. */
export const TAMPER_ROWS = [...ENTRIES, ...SEALS, ...HEADERS, ...SEGMENTS, ...LOG_FILES, ...HISTORIES, ...APPENDED];
