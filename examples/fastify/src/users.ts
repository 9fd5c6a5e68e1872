import { scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(scrypt) as (password: string, salt: Uint8Array, length: number) => Promise<Uint8Array>;
const HASH_BYTES = 32;

/** `<salt>:<scrypt of the password>`, base64url, by user. The passwords stand in README.md; a real desk would not write them down. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['ada', 'WMUCdimwSHOe4YAas4U2sQ:yMt_uacPZR2XnVPRLgRGvSiHB5bjOynUPjz0q1YssXI'],
  ['grace', 'kwvlot0e5Dtr3Lk7Z_gJlA:V91eBm0sefuITmTfC-rgXDrCvY8XVtPIXuI3mhN_xMM'],
]);
/** Of a password that nobody has: an unknown user costs the same time as a wrong password. */
const NOBODY = 'AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

/** Whether there is a user of this name. */
export function isUser(user: string): boolean {
  return HASHES.has(user);
}

/** Whether this is the user's password; takes as long for no user as for one. */
export async function isPassword(user: string, password: string): Promise<boolean> {
  const [salt = '', hash = ''] = (HASHES.get(user) ?? NOBODY).split(':');
  const derived = await derive(password, Buffer.from(salt, 'base64url'), HASH_BYTES);
  return timingSafeEqual(derived, Buffer.from(hash, 'base64url')) && isUser(user);
}
