import { createSigningKey, parseSigningKey, type Signer } from '@indelible/log';
import { formatBase64, parseBase64, parseVerifierKey } from '@indelible/tlog';
import { signText } from '../support/sign-text.ts';
import type { TilesEvidence } from '../support/tiles-evidence.ts';
import { changed, flipped, type Mutation } from './mutation.ts';

const FIRST_ONLY = 'it looks at the first line of a key and drops the others';
const ANY = 'one good signature is enough for it';
const PATTERN = 'it searches for signature lines by a pattern, and ignores what does not fit';
const BASE64 = 'it decodes base64 leniently';
const UNUSED_BITS = 'it decodes base64 without looking at unused bits';

/** What was done to the signature lines; the text above them is as the log wrote it. */
export const SIGNATURE_MUTATIONS: readonly Mutation[] = [
  lineOf('a bit of the signature flipped', (line) => editSignature(line, (bytes) => flipped(bytes, 20))),
  lineOf('the last byte of the signature flipped', (line) => editSignature(line, (bytes) => flipped(bytes, 67))),
  lineOf('a bit of the key ID flipped', (line) => editSignature(line, (bytes) => flipped(bytes, 0))),
  lineOf('the key ID left out', (line) => editSignature(line, (bytes) => bytes.slice(4))),
  lineOf('the signature cut by one byte', (line) => editSignature(line, (bytes) => bytes.slice(0, -1))),
  lineOf('a byte behind the signature', (line) => editSignature(line, (bytes) => Uint8Array.of(...bytes, 0))),
  lineOf('the signature filled with zeros', (line) => editSignature(line, (bytes) => bytes.map((byte, i) => (i < 4 ? byte : 0)))),
  lineOf('the name of the key changed', (line) => line.replace('conformance', 'Conformance')),
  lineOf('the signature line removed', () => ''),
  { name: 'no empty line and no signature', change: (log) => changed('checkpoint', log.text) },
  lineOf('the signature of the kept checkpoint', (_, log) => log.kept.split('\n').at(-2)! + '\n'),
  { name: 'signed by another key of the same name', change: async (log) => changed('checkpoint', await signText(log.text, strangerOf(log))) },
  { name: 'signed by another key, under the key ID of the log', change: async (log) => changed('checkpoint', await signText(log.text, { vkey: log.vkey, sign: strangerOf(log).sign })) },
  lineOf('the signature line twice', (line) => line + line, { 'golang.org/x/mod': FIRST_ONLY, '@sigstore/verify': ANY }),
  lineOf('a second, false line of the same key', (line) => line + editSignature(line, (bytes) => flipped(bytes, 20)), { 'golang.org/x/mod': FIRST_ONLY, '@sigstore/verify': ANY }),
  lineOf('a false line of the same key before the good one', (line) => editSignature(line, (bytes) => flipped(bytes, 20)) + line, { '@sigstore/verify': ANY }),
  lineOf('101 signature lines', (line, log) => line + strangersLines(log, 100), { '@sigstore/verify': 'it has no limit' }),
  lineOf('base64 without padding', (line) => line.replaceAll('=', ''), { '@sigstore/verify': BASE64 }),
  lineOf('base64 with unused bits set', (line) => withUnusedBits(line), { 'golang.org/x/mod': UNUSED_BITS, '@sigstore/verify': BASE64 }),
  lineOf('base64 followed by more base64', (line) => line.replace('=\n', '=AAAA\n'), { '@sigstore/verify': BASE64 }),
  lineOf('a hyphen for the dash', (line) => line.replace('\u2014', '-')),
  lineOf('two spaces before the signature', (line) => line.replace(/ (?=\S+\n$)/, '  ')),
  lineOf('a space behind the signature', (line) => line.replace('\n', ' \n')),
  lineOf('a no-break space in the name of the key', (line) => line.replace('/', '\u00a0')),
  lineOf('no newline at the end', (line) => line.slice(0, -1)),
  lineOf('an empty line at the end', (line) => `${line}\n`, { '@sigstore/verify': PATTERN }),
  lineOf('a second empty line before the signature', (line) => `\n${line}`, { '@sigstore/verify': PATTERN }),
  lineOf('a line of other text among the signatures', (line) => `${line}seen by nobody\n`, { '@sigstore/verify': PATTERN }),
  lineOf('text before the dash', (line) => `x${line}`, { '@sigstore/verify': PATTERN }),
  lineOf('a signature line without a signature', (line) => `${line}\u2014 log.example/other\n`, { '@sigstore/verify': PATTERN }),
  lineOf('a control character in the line of an unknown key', (line) => `${line}\u2014 log.\u0001example AAAAAAAAAAA=\n`, { '@sigstore/verify': PATTERN }),
  lineOf('a signature line with a key ID and nothing behind it', (line) => `${line}\u2014 log.example/other AAAAAA==\n`),
];

function lineOf(name: string, edit: (line: string, log: TilesEvidence) => string, accepted: Mutation['accepted'] = {}): Mutation {
  return { name, accepted, change: (log) => changed('checkpoint', `${log.text}\n${edit(log.checkpoint.slice(log.text.length + 1), log)}`) };
}

function editSignature(line: string, change: (bytes: Uint8Array) => Uint8Array): string {
  const at = line.lastIndexOf(' ') + 1;
  return `${line.slice(0, at)}${formatBase64(change(parseBase64(line.slice(at, -1))))}\n`;
}

function withUnusedBits(line: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const at = line.lastIndexOf('=') - 1;
  return `${line.slice(0, at)}${letters[letters.indexOf(line[at]!) + 1]!}${line.slice(at + 1)}`;
}

/** Another key that calls itself as the log's does. */
function strangerOf(log: TilesEvidence): Signer {
  return parseSigningKey(createSigningKey(parseVerifierKey(log.vkey).name).secret);
}

/** Lines of keys that nobody knows. */
export function strangersLines(log: TilesEvidence, count: number): string {
  const line = log.checkpoint.slice(log.text.length + 1);
  return Array.from({ length: count }, (_, i) => editSignature(line, (bytes) => bytes.with(0, i).with(1, bytes[1]! ^ 1))).join('');
}

