import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { memoryFamilyStore, recordRefreshTokens } from '@indelible/session/refresh-tokens';
import jwt from 'jsonwebtoken';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const tokenSecret = randomBytes(32); // yours: one that is kept

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });
const families = recordRefreshTokens({ tracker, store: memoryFamilyStore() });

const signToken = (userId, family, { jti, expiresMs }) => jwt.sign({ fam: family, exp: Math.floor(expiresMs / 1000) }, tokenSecret, { subject: userId, jwtid: jti });
const newToken = () => ({ jti: randomUUID(), expiresMs: Date.now() + 15 * 60_000 });

/** Login: record it, then sign. If this rejects, sign nothing and answer 503. */
async function login(userId) {
  const [family, token] = [randomUUID(), newToken()];
  await families.start({ family, userId, ...token });
  return signToken(userId, family, token);
}

/** Refresh: verify the signature without looking at the expiry, which is judged by `rotate`. Undefined: refuse it. */
async function refresh(refreshToken) {
  const claims = jwt.verify(refreshToken, tokenSecret, { algorithms: ['HS256'], ignoreExpiration: true });
  const [userId, family, next] = [claims.sub, claims.fam, newToken()];
  const rotation = await families.rotate({ family, jti: claims.jti, userId, expiresMs: claims.exp * 1000 }, next);
  if (rotation.outcome === 'rotated') return signToken(userId, family, next);
  return rotation.outcome === 'grace_replay' ? signToken(userId, family, rotation.current) : undefined;
}

const first = await login('alice');
const second = await refresh(first);
await refresh(second);
await families.logout(jwt.decode(second).fam);
console.log((await refresh(second)) === undefined ? 'after the logout it is refused' : 'it is good for ever');

await tracker.close();
await log.close();
