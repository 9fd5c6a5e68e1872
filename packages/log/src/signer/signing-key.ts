import { createPrivateKey, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { chmod, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { decodeUtf8Strict, formatBase64, formatVerifierKey, parseBase64, parseVerifierKey } from '@indelible/tlog';
import { LogError, systemCode } from '../error.ts';
import { checkOrigin } from '../record/origin.ts';
import type { Signer } from './signer.ts';

const PREFIX = 'PRIVATE+KEY+';
const TYPE_ED25519 = 0x01;
const SEED_BYTES = 32;
// RFC 8410 §7: the DER of an Ed25519 private key is this header and the seed.
const PKCS8_HEADER = Uint8Array.from([0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]);

/** A new signing key and the verifier key that belongs to it. */
export interface NewSigningKey {
  /** Secret: `PRIVATE+KEY+<name>+<key id>+<base64>`, the form that C2SP tools write. */
  readonly secret: string;
  readonly vkey: string;
}

/** Makes an Ed25519 key pair for the log with this origin, from the system's random source. */
export function createSigningKey(origin: string): NewSigningKey {
  checkOrigin(origin);
  const seed = new Uint8Array(randomBytes(SEED_BYTES));
  const vkey = formatVerifierKey(origin, TYPE_ED25519, publicKeyOf(privateKeyOf(seed)));
  const [keyId = ''] = vkey.slice(origin.length + 1).split('+');
  const typed = new Uint8Array(1 + SEED_BYTES);
  typed[0] = TYPE_ED25519;
  typed.set(seed, 1);
  return { secret: `${PREFIX}${origin}+${keyId}+${formatBase64(typed)}`, vkey };
}

/**
 * Makes a signer from the text of a signing key.
 *
 * @throws LogError `ERR_LOG_KEY_INVALID`; the message never contains any part of the key.
 */
export function parseSigningKey(secret: string, source = 'the signing key'): Signer {
  const text = secret.trim();
  const fail = (why: string): LogError =>
    new LogError('ERR_LOG_KEY_INVALID', `${source} cannot be used: ${why}. Expected one line PRIVATE+KEY+<name>+<key id>+<base64>, as \`indelible init\` writes it`);
  if (/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(text) && !text.startsWith(PREFIX)) throw fail('this is the public key');
  if (!text.startsWith(PREFIX)) throw fail(`it does not begin with ${PREFIX}`);
  const fields = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.slice(PREFIX.length));
  if (fields === null) throw fail('it does not have the fields name, key id and base64 key');
  const [, name = '', keyId = '', encoded = ''] = fields;
  let typed: Uint8Array;
  try {
    typed = parseBase64(encoded, 1 + SEED_BYTES);
  } catch {
    throw fail('its key is not the base64 of 33 bytes');
  }
  if (typed[0] !== TYPE_ED25519) throw fail('its key is not of type Ed25519 (0x01)');
  const privateKey = privateKeyOf(typed.subarray(1));
  const vkey = formatVerifierKey(name, TYPE_ED25519, publicKeyOf(privateKey));
  if (!vkey.startsWith(`${name}+${keyId}+`)) throw fail('its key id does not belong to its name and key');
  return {
    vkey,
    privateKey,
    sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, privateKey))),
  };
}

/**
 * Reads a signing key from a file.
 *
 * @throws LogError `ERR_LOG_KEY_PERMISSIONS` where others than the owner may read the file (not checked on Windows).
 */
export function readSigningKey(path: string): Signer {
  if (typeof path !== 'string' || path === '') throw new LogError('ERR_LOG_KEY_INVALID', 'readSigningKey: name the file of the signing key');
  let bytes: Uint8Array;
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > 4_096) {
      throw new LogError('ERR_LOG_KEY_INVALID', `signing key ${path} is not a small regular file`, { path });
    }
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
      const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
      throw new LogError('ERR_LOG_KEY_PERMISSIONS', `signing key ${path} may be read by others (mode ${mode}): run \`chmod 600 ${path}\`, and rotate it if they could have`, { path });
    }
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof LogError) throw cause;
    const code = systemCode(cause);
    const fix = code === 'ENOENT' ? `there is no file ${resolve(path)}; a path is taken from the working directory, and \`indelible init\` says where it has put the key` : String(code ?? cause);
    throw new LogError('ERR_LOG_KEY_INVALID', `signing key ${path} cannot be read: ${fix}`, { cause, path });
  }
  return parseSigningKey(decodeText(bytes, path), `signing key ${path}`);
}

function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return decodeUtf8Strict(bytes);
  } catch {
    throw new LogError('ERR_LOG_KEY_INVALID', `signing key ${path} is not a text file: name the file that \`indelible init\` wrote`, { path });
  }
}

/** Writes a new signing key to a file of mode 0600 that MUST NOT exist yet, durable when it returns. */
export async function writeSigningKey(path: string, key: NewSigningKey): Promise<void> {
  let file;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (cause) {
    const why = systemCode(cause) === 'EEXIST' ? 'it exists already; name another file, or delete it if nothing was ever signed with it' : String(cause);
    throw new LogError('ERR_LOG_KEY_INVALID', `signing key ${path} cannot be written: ${why}`, { cause, path });
  }
  try {
    await file.writeFile(`${key.secret}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, 0o600); // whatever the umask was
}

/** The key id of a verifier key as people compare it: eight hex digits. */
export function formatKeyId(vkey: string): string {
  const key = parseVerifierKey(vkey);
  return vkey.slice(key.name.length + 1, key.name.length + 9);
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = new Uint8Array(PKCS8_HEADER.length + SEED_BYTES);
  der.set(PKCS8_HEADER, 0);
  der.set(seed, PKCS8_HEADER.length);
  return createPrivateKey({ key: der as Buffer, format: 'der', type: 'pkcs8' });
}

function publicKeyOf(privateKey: KeyObject): Uint8Array {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(der.length - SEED_BYTES)); // RFC 8410 §4: the key is the last 32 bytes
}
