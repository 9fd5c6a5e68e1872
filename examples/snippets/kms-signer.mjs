import { createPublicKey } from 'node:crypto';
import { createLog, fileStore, openLog } from '@indelible/log';
import { formatVerifierKey, KEY_TYPE_ED25519 } from '@indelible/tlog';
import { getPublicKeyPem, signRaw } from './key-service.mjs';

// Two calls of your key service: the public key as PEM, and an Ed25519 signature over bytes (64 bytes, no digest before).
const jwk = createPublicKey(await getPublicKeyPem()).export({ format: 'jwk' });
const signer = {
  vkey: formatVerifierKey('my-app.example/sessions', KEY_TYPE_ED25519, Buffer.from(jwk.x, 'base64url')),
  sign: (message) => signRaw(message),
};

// Once, where `indelible init` makes a key of its own:
if (process.argv[2] === 'init') await createLog('audit', { signer });

const log = await openLog({ app: 'my-app', store: fileStore('audit'), signer, pin: 'audit.pin' });
await log.append({ event: 'login', userId: 'alice', ip: '203.0.113.7' });
console.log(signer.vkey);
await log.close();
