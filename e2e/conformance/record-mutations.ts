import { createSigningKey, parseSigningKey, type Signer } from '@indelible/log';
import { parseNote } from '@indelible/tlog';
import { signText } from './support/sign-text.ts';
import type { Changes } from './support/tiles-directory.ts';

/** A record as its writer left it: two segments or more, several seals in each. */
export interface RecordEvidence {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly signer: Signer;
}

/** A change of a record that a reader of `docs/spec/record.md` must reject. */
export interface RecordMutation {
  readonly name: string;
  readonly change: (record: RecordEvidence) => Changes | Promise<Changes>;
}

const LOG = 'log.json';
const FIRST = '000000.ndjson';
const SECOND = '000001.ndjson';

/** What a reader must reject. */
export const RECORD_MUTATIONS: readonly RecordMutation[] = [
  lines('a bit of an entry flipped', (all) => all.with(3, all[3]!.replace('user-', 'usar-'))),
  lines('the time of an entry changed', (all) => all.with(3, all[3]!.replace(/"timestamp":"2/, '"timestamp":"1'))),
  lines('an entry deleted', (all) => all.toSpliced(3, 1)),
  lines('an entry inserted', (all) => all.toSpliced(3, 0, all[4]!)),
  lines('two entries exchanged', (all) => all.with(3, all[4]!).with(4, all[3]!)),
  lines('an entry moved to another batch', (all) => all.toSpliced(3, 1).toSpliced(secondSeal(all), 0, all[3]!)),
  lines('a space put into an entry', (all) => all.with(3, all[3]!.replace('{', '{ '))),
  lines('CRLF behind an entry', (all) => all.with(3, `${all[3]!}\r`)),
  lines('an empty line among the entries', (all) => all.toSpliced(3, 0, '')),
  lines('a NUL in an entry', (all) => all.with(3, `${all[3]!}\0`)),
  lines('an entry made a control line', (all) => all.with(3, all[3]!.replace('{"id":', '{"indelible":'))),
  lines('a seal deleted', (all) => all.toSpliced(secondSeal(all), 1)),
  lines('a bit of the signature of a seal flipped', (all) => editSeal(all, (seal) => seal.replace(/(.)(.{8}=\\n"})$/, (_, letter: string, rest: string) => `${letter === 'A' ? 'B' : 'A'}${rest}`))),
  lines('the tree size in a seal raised', (all) => editSeal(all, (seal) => seal.replace(/\\n(\d+)\\n/, (_, size: string) => `\\n${Number(size) + 1}\\n`))),
  lines('the offset of a seal changed', (all) => editSeal(all, (seal) => seal.replace(/"offset":(\d+)/, (_, offset: string) => `"offset":${Number(offset) + 1}`))),
  lines('the length of a seal changed', (all) => editSeal(all, (seal) => seal.replace(/"length":(\d+)/, (_, length: string) => `"length":${Number(length) - 1}`))),
  lines('the first index of a seal changed', (all) => editSeal(all, (seal) => seal.replace(/"first":(\d+)/, (_, first: string) => `"first":${Number(first) + 1}`))),
  lines('a leading zero in a seal', (all) => editSeal(all, (seal) => seal.replace('"first":', '"first":0'))),
  lines('a space in a seal', (all) => editSeal(all, (seal) => seal.replace('"first":', '"first": '))),
  lines('a field more in a seal', (all) => editSeal(all, (seal) => seal.replace('"first":', '"by":"me","first":'))),
  lines('a seal signed by another key of the same name', async (all, record) => {
    const { note } = JSON.parse(all[secondSeal(all)]!) as { note: string };
    const forged = await signText(parseNote(note).text, parseSigningKey(createSigningKey(originOf(record)).secret));
    return editSeal(all, (seal) => seal.replace(JSON.stringify(note), JSON.stringify(forged)));
  }),
  lines('the origin in the header of a segment changed', (all) => all.with(0, all[0]!.replace('conformance', 'conformancy'))),
  lines('the signature of a header changed', (all) => all.with(0, all[0]!.replace(/.{6}=="}$/, 'AAAAAA=="}'))),
  lines('the header of a segment deleted', (all) => all.slice(1)),
  lines('a segment cut in the middle', (all) => all.slice(0, secondSeal(all) - 2)),
  file('the first segment removed', () => new Map([[FIRST, undefined]])),
  file('the second segment in place of the first', ({ files }) => new Map([[FIRST, files.get(SECOND)]])),
  file('two segments exchanged', ({ files }) => new Map([[FIRST, files.get(SECOND)], [SECOND, files.get(FIRST)]])),
  file('a segment emptied', () => new Map([[SECOND, new Uint8Array(0)]])),
  file('the key in log.json replaced', (record) => editLog(record, (text) => text.replace(record.signer.vkey, createSigningKey(originOf(record)).vkey))),
  file('the time in log.json changed', (record) => editLog(record, (text) => text.replace(/"created":"2/, '"created":"1'))),
  file('a space in log.json', (record) => editLog(record, (text) => text.replace(',', ', '))),
  file('log.json removed', () => new Map([[LOG, undefined]])),
];

/** What a reader must put up with. */
export const RECORD_HARMLESS: readonly RecordMutation[] = [
  file('nothing changed', () => new Map()),
  file('a batch that was cut off while it was written', (record) => editLast(record, (text) => `${text}{"id":"`)),
  file('a line of another program behind the last seal', (record) => editLast(record, (text) => `${text}hello\n`)),
  file('a file of another program', () => new Map([['notes.txt', new TextEncoder().encode('hello\n')]])),
];

/** What no reader can see in the record alone: a seal kept elsewhere shows it. */
export const RECORD_UNDETECTABLE: readonly RecordMutation[] = [
  file('the last batch and its seal cut off', (record) =>
    editLast(record, (text) => {
      const all = text.split('\n');
      const seals = all.flatMap((line, i) => (isSeal(line) ? [i] : []));
      return `${all.slice(0, seals.at(-2)! + 1).join('\n')}\n`;
    }),
  ),
  file('the last segment removed', ({ files }) => new Map([[lastSegment(files), undefined]])),
];

function file(name: string, change: RecordMutation['change']): RecordMutation {
  return { name, change };
}

/** A change of the lines of the first segment, its header being line 0. */
function lines(name: string, edit: (all: string[], record: RecordEvidence) => readonly string[] | Promise<readonly string[]>): RecordMutation {
  return {
    name,
    change: async (record) => {
      const all = textOf(record, FIRST).split('\n').slice(0, -1);
      const edited = await edit(all, record);
      return new Map([[FIRST, bytesOf(edited.map((line) => `${line}\n`).join(''))]]);
    },
  };
}

function isSeal(line: string): boolean {
  return line.startsWith('{"indelible":"seal"');
}

/** Not the first: a reader that gives up at the first fault would find that one anyway. */
function secondSeal(all: readonly string[]): number {
  return all.findIndex((line, i) => isSeal(line) && all.slice(0, i).some(isSeal));
}

function editSeal(all: readonly string[], edit: (seal: string) => string): string[] {
  const at = secondSeal(all);
  return all.with(at, edit(all[at]!));
}

function editLog(record: RecordEvidence, edit: (text: string) => string): Changes {
  return new Map([[LOG, bytesOf(edit(textOf(record, LOG)))]]);
}

function editLast(record: RecordEvidence, edit: (text: string) => string): Changes {
  const name = lastSegment(record.files);
  return new Map([[name, bytesOf(edit(textOf(record, name)))]]);
}

function lastSegment(files: ReadonlyMap<string, Uint8Array>): string {
  return [...files.keys()].filter((name) => /^\d{6}\.ndjson$/.test(name)).sort().at(-1)!;
}

function originOf(record: RecordEvidence): string {
  return (JSON.parse(textOf(record, LOG)) as { origin: string }).origin;
}

function textOf(record: RecordEvidence, name: string): string {
  return new TextDecoder().decode(record.files.get(name));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
