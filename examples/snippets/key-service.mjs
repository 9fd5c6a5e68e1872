// Stands in for a key service: the key is in no other module, and only these two calls reach it.

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const FILE = 'key-service.pem';
if (!existsSync(FILE)) writeFileSync(FILE, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
const key = createPrivateKey(readFileSync(FILE));

export async function getPublicKeyPem() {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' });
}

export async function signRaw(message) {
  return sign(null, message, key);
}
