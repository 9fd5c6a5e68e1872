// The record of this application's sessions: opened once in a process, whichever part of it asks first.
import { readFileSync } from 'node:fs';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { nextTracker } from '@indelible/session/next';

const MINUTE = 60_000;

export const sessions = nextTracker(async (mode) => {
  const { INDELIBLE_LOG: directory = 'audit', INDELIBLE_SIGNING_KEY_FILE: signingKey = `${directory}.key` } = process.env;
  const sidKeyFile = process.env['SID_HASH_KEY_FILE'];
  if (sidKeyFile === undefined) throw new Error('set SID_HASH_KEY_FILE to a file of 32 random bytes, outside the record: openssl rand -out sid-hash.key 32');
  const log = await openLog({ app: 'next-authjs', store: fileStore(directory), signer: readSigningKey(signingKey), pin: pinPath(signingKey) });
  const tracker = await openTracker({
    log,
    sidKey: readFileSync(sidKeyFile),
    app: 'next-authjs',
    adapter: { name: 'authjs', version: '0.1.0' },
    policy: { idleMs: 15 * MINUTE, absoluteMs: 8 * 60 * MINUTE },
    ...mode,
  });
  return { tracker, log };
});
