import { formatBase64, parseBase64 } from '@indelible/tlog';
import { signText } from '../support/sign-text.ts';
import type { TilesEvidence } from '../support/tiles-evidence.ts';
import { changed, flipped, type Mutation } from './mutation.ts';

const NUMBER = 'it reads the size with BigInt(), which takes more than one text for a number';
const BASE64 = 'it decodes base64 leniently';
const UNUSED_BITS = 'it decodes base64 without looking at unused bits';
const TAIL = 'it ignores whatever follows the third line of a checkpoint';

/**
 * What was done to the text of the checkpoint. Under the old signature, it is a forgery. Signed anew by the log's own key, it is a
 * second spelling or a lie: a reader that takes it cannot compare checkpoints byte by byte any more.
 */
export const CHECKPOINT_MUTATIONS: readonly Mutation[] = [
  { name: 'the checkpoint removed', change: () => changed('checkpoint', undefined) },
  { name: 'the checkpoint emptied', change: () => changed('checkpoint', '') },
  forged('a bit of the root hash flipped', ([origin, size, root]) => [origin, size, base64Of(root, (bytes) => flipped(bytes, 0))]),
  forged('the size raised by one', ([origin, , root]) => [origin, '601', root]),
  forged('the size lowered by one', ([origin, , root]) => [origin, '599', root]),
  forged('the size set to that of the kept checkpoint', ([origin, , root]) => [origin, '300', root]),
  forged('the origin changed', ([, size, root]) => ['log.example/other', size, root]),
  forged('the root hash of the kept checkpoint', ([origin, size], log) => [origin, size, log.kept.split('\n')[2]!]),
  forged('an extension line added', (lines) => [...lines, 'note: none']),
  forged('size and root hash exchanged', ([origin, size, root]) => [origin, root, size]),
  { name: 'a byte order mark before the checkpoint', change: (log) => changed('checkpoint', `\uFEFF${log.checkpoint}`) },
  { name: 'CRLF for LF in the whole checkpoint', change: (log) => changed('checkpoint', log.checkpoint.replaceAll('\n', '\r\n')) },
  { name: 'a byte that is no UTF-8 in the origin', change: (log) => changed('checkpoint', new TextEncoder().encode(log.checkpoint).with(3, 0xff)) },
  unread(signed('the size one higher than the tree', ([origin, , root]) => [origin, '601', root])),
  unread(signed('the size one lower than the tree', ([origin, , root]) => [origin, '599', root])),
  unread(signed('a size of 2^53', ([origin, , root]) => [origin, String(2n ** 53n), root])),
  unread(signed('a size of 2^63−1', ([origin, , root]) => [origin, String(2n ** 63n - 1n), root])),
  unread(signed('a size of 2^64 + 600', ([origin, , root]) => [origin, String(2n ** 64n + 600n), root])),
  signed('a root hash of zeros', ([origin, size]) => [origin, size, formatBase64(new Uint8Array(32))]),
  signed('another origin', ([, size, root]) => ['log.example/other', size, root]),
  signed('an origin with a space behind it', ([origin, size, root]) => [`${origin} `, size, root]),
  signed('no origin', ([, size, root]) => ['', size, root]),
  signed('the origin in capitals', ([origin, size, root]) => [origin.toUpperCase(), size, root]),
  signed('no root hash', ([origin, size]) => [origin, size]),
  signed('a size with a leading zero', ([origin, , root]) => [origin, '0600', root], { '@sigstore/verify': NUMBER }),
  signed('a size with a plus sign', ([origin, , root]) => [origin, '+600', root], { '@sigstore/verify': NUMBER }),
  signed('a size with a space before it', ([origin, , root]) => [origin, ' 600', root], { '@sigstore/verify': NUMBER }),
  signed('a size in hexadecimal', ([origin, , root]) => [origin, '0x258', root], { '@sigstore/verify': NUMBER }),
  signed('a size with a fraction', ([origin, , root]) => [origin, '600.0', root]),
  signed('a size with an exponent', ([origin, , root]) => [origin, '6e2', root]),
  signed('a size in Arabic-Indic digits', ([origin, , root]) => [origin, '\u0666\u0660\u0660', root]),
  unread(signed('a negative size', ([origin, , root]) => [origin, '-600', root])),
  signed('an empty line for the size', ([origin, , root]) => [origin, '', root]),
  signed('a root hash without padding', ([origin, size, root]) => [origin, size, root.replaceAll('=', '')], { '@sigstore/verify': BASE64 }),
  signed('a root hash with unused bits set', ([origin, size, root]) => [origin, size, unusedBitSet(root)], { '@sigstore/verify': BASE64, 'golang.org/x/mod': UNUSED_BITS }),
  signed('a root hash with a space behind it', ([origin, size, root]) => [origin, size, `${root} `], { '@sigstore/verify': BASE64 }),
  signed('a root hash in hexadecimal', ([origin, size, root]) => [origin, size, Buffer.from(root, 'base64').toString('hex')]),
  signed('a root hash of 31 bytes', ([origin, size, root]) => [origin, size, base64Of(root, (bytes) => bytes.slice(0, 31))]),
  signed('a root hash of 33 bytes', ([origin, size, root]) => [origin, size, base64Of(root, (bytes) => Uint8Array.of(...bytes, 0))]),
  signed('an empty line behind the root hash', (lines) => [...lines, ''], { 'golang.org/x/mod': TAIL }),
  signed('an empty line among the extension lines', (lines) => [...lines, 'one', '', 'two'], { 'golang.org/x/mod': TAIL }),
  signed('a tab in an extension line', (lines) => [...lines, 'a\tb'], { '@sigstore/verify': TAIL }),
  signed('CRLF behind the size', ([origin, size, root]) => [origin, `${size}\r`, root], { '@sigstore/verify': NUMBER }),
  signed('a NUL behind the origin', ([origin, size, root]) => [`${origin}\0`, size, root]),
];

type Lines = readonly [origin: string, size: string, root: string];
type Edit = (lines: Lines, log: TilesEvidence) => readonly string[];

/** The text changed, its signature left as it was. */
function forged(name: string, edit: Edit): Mutation {
  return {
    name: `${name}, under the old signature`,
    change: (log) => changed('checkpoint', log.checkpoint.replace(log.text, edited(log, edit))),
  };
}

/** There is no tile of such a size to make a proof of. */
function unread(mutation: Mutation): Mutation {
  return { ...mutation, unread: true };
}

/** The text changed and signed by the log. */
function signed(name: string, edit: Edit, accepted: Mutation['accepted'] = {}): Mutation {
  return {
    name: `${name}, validly signed`,
    accepted,
    change: async (log) => changed('checkpoint', await signText(edited(log, edit), log.signer)),
  };
}

function edited(log: TilesEvidence, edit: Edit): string {
  const [origin = '', size = '', root = ''] = log.text.split('\n');
  return edit([origin, size, root], log)
    .map((line) => `${line}\n`)
    .join('');
}

function base64Of(base64: string, change: (bytes: Uint8Array) => Uint8Array): string {
  return formatBase64(change(parseBase64(base64)));
}

/** The same 32 bytes, spelled another way: the last two bits of the last letter before the `=` mean nothing. */
function unusedBitSet(base64: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const at = base64.indexOf('=') - 1;
  return `${base64.slice(0, at)}${letters[letters.indexOf(base64[at]!) + 1]!}${base64.slice(at + 1)}`;
}
