// What somebody could do to the files who may write to them: each to a copy of its own.
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';

const SEGMENT = '000000.ndjson';

/** Copies a log, and leaves out its cache: that is made of the record and proves nothing. */
async function copyLog(from, to) {
  await cp(from, to, { recursive: true });
  await rm(join(to, 'cache'), { recursive: true, force: true });
  return join(to, SEGMENT);
}

/** Changes one byte of an entry: the last digit of its address. */
export async function editByte(from, to, { line, entry }) {
  const segment = await copyLog(from, to);
  const bytes = await readFile(segment);
  const at = bytes.indexOf(line) + line.indexOf(`"ip":"${entry.ip}"`) + `"ip":"${entry.ip}`.length - 1;
  const was = bytes[at];
  bytes[at] = was === 0x31 ? 0x32 : 0x31;
  await writeFile(segment, bytes);
  return { at, was: String.fromCharCode(was), is: String.fromCharCode(bytes[at]) };
}

/** Deletes an entry's line. */
export async function deleteLine(from, to, { line }) {
  const segment = await copyLog(from, to);
  const text = await readFile(segment, 'utf8');
  await writeFile(segment, text.replace(`${line}\n`, () => ''));
}

/** Cuts the record off behind the newest seal that does not cover the entry: an older state, complete in itself. */
export async function rollBack(from, to, { line }) {
  const segment = await copyLog(from, to);
  const text = await readFile(segment, 'utf8');
  const seal = text.lastIndexOf('\n{"indelible":"seal"', text.indexOf(line));
  await writeFile(segment, text.slice(0, text.indexOf('\n', seal + 1) + 1));
}

/** Writes the whole record anew without some entries, under a key of the forger's own and the same name. */
export async function signAnew(record, to, origin, isLeftOut) {
  const signer = parseSigningKey(createSigningKey(origin).secret);
  await createLog(to, { signer });
  const log = await openLog({ store: fileStore(to), signer, heartbeatMs: 0 });
  const events = record.map(({ entry }) => entry).filter((entry) => !entry.event.startsWith('log_') && !isLeftOut(entry));
  await log.appendAll(events.map(({ recordedAt: _recordedAt, clockAheadMs: _clockAheadMs, ...event }) => event));
  await log.close();
  return signer.vkey;
}
