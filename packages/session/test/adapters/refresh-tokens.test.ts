import { randomUUID } from 'node:crypto';
import type { Entry } from '@indelible/event';
import { runWithOrigin, type SessionPolicy } from '@indelible/session';
import { memoryFamilyStore, recordRefreshTokens, type FamilyStore, type RefreshTokens } from '@indelible/session/refresh-tokens';
import { errors, jwtVerify, SignJWT } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { adapter } from './refresh-tokens-app.ts';
import { describeAdapter } from './suite.ts';
import { openRecord } from './support/memory-record.ts';

describeAdapter(adapter);

const HOME = { ip: '198.51.100.7', userAgent: 'Firefox' };
const THIEF = { ip: '203.0.113.9', userAgent: 'curl' };

interface Bench {
  readonly families: RefreshTokens;
  entries(): Promise<Entry[]>;
}

async function withFamilies(store: FamilyStore, graceMs: number, run: (bench: Bench) => Promise<void>, policy?: SessionPolicy): Promise<void> {
  const record = await openRecord(policy);
  try {
    await run({ families: recordRefreshTokens({ tracker: record.tracker, store, graceMs }), entries: record.entries });
  } finally {
    await record.close();
  }
}

const token = (family: string, jti: string) => ({ family, jti, userId: 'ada', expiresMs: Date.now() + 60_000 });

describe('refresh-token families', () => {
  it('records the replay of a rotated token as token_reuse and revokes the family, for the thief and for the victim', async () => {
    await withFamilies(memoryFamilyStore(), 0, async ({ families, entries }) => {
      await families.start(token('f1', 'a'), HOME);
      expect(await families.rotate(token('f1', 'a'), { jti: 'b' }, HOME)).toEqual({ outcome: 'rotated' });
      expect(await families.rotate(token('f1', 'a'), { jti: 'x' }, THIEF)).toEqual({ outcome: 'token_reuse' });
      expect(await families.rotate(token('f1', 'b'), { jti: 'c' }, HOME)).toEqual({ outcome: 'ended' });
      const found = await entries();
      expect(found.map(({ event }) => event)).toEqual(['login', 'extend', 'token_reuse', 'revoked', 'session_use_after_end']);
      expect(found[2]).toMatchObject({ userId: 'ada', outcome: 'failure', ...THIEF });
      expect(found[3]).toMatchObject({ reason: 'token_reuse', initiator: 'policy' });
      expect(new Set(found.map(({ sessionId }) => sessionId)).size).toBe(1);
    });
  });

  it('tells parallel tabs from a thief: their replays are counted, and stand on the next entry', async () => {
    await withFamilies(memoryFamilyStore(), 10_000, async ({ families, entries }) => {
      await runWithOrigin(HOME, async () => {
        await families.start(token('f1', 'a'));
        const outcomes = await Promise.all([1, 2, 3].map((tab) => families.rotate(token('f1', 'a'), { jti: `b${tab}`, expiresMs: Date.now() + 60_000 })));
        expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['grace_replay', 'grace_replay', 'rotated']);
        const winner = `b${outcomes.findIndex(({ outcome }) => outcome === 'rotated') + 1}`;
        for (const rotation of outcomes) if (rotation.outcome === 'grace_replay') expect(rotation.current.jti).toBe(winner);
        expect((await entries()).map(({ event }) => event)).toEqual(['login', 'extend']);
        await families.rotate(token('f1', winner), { jti: 'c' });
        const last = (await entries()).at(-1);
        expect(last).toMatchObject({ event: 'extend', reason: 'refresh_rotation' });
        expect(last?.details?.['graceReplays']).toBeGreaterThanOrEqual(1);
      });
    });
  });

  it('records a replay within the grace time at once when it comes from elsewhere', async () => {
    await withFamilies(memoryFamilyStore(), 10_000, async ({ families, entries }) => {
      await families.start(token('f1', 'a'), HOME);
      await families.rotate(token('f1', 'a'), { jti: 'b', expiresMs: Date.now() + 60_000 }, HOME);
      expect(await families.rotate(token('f1', 'a'), { jti: 'x' }, THIEF)).toMatchObject({ outcome: 'grace_replay' });
      const replayed = (await entries()).filter(({ reason }) => reason?.startsWith('grace_replay') === true);
      expect(replayed).toMatchObject([{ event: 'context_changed', ...THIEF }, { event: 'extend', ...THIEF, details: { unexpected: ['other_network'] } }]);
    });
  });

  it('refuses the second use of a token that is older than the last rotation, whatever the grace time', async () => {
    await withFamilies(memoryFamilyStore(), 10_000, async ({ families }) => {
      await families.start(token('f1', 'a'), HOME);
      await families.rotate(token('f1', 'a'), { jti: 'b' }, HOME);
      await families.rotate(token('f1', 'b'), { jti: 'c' }, HOME);
      expect(await families.rotate(token('f1', 'a'), { jti: 'x' }, HOME)).toEqual({ outcome: 'token_reuse' });
    });
  });

  it('gives no family more time than the policy, however long its tokens live', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await withFamilies(memoryFamilyStore(), 0, async ({ families, entries }) => {
        const far = Date.now() + 86_400_000;
        await families.start({ ...token('f1', 'a'), expiresMs: far }, HOME);
        vi.setSystemTime(Date.now() + 3_600_001);
        expect(await families.rotate({ ...token('f1', 'a'), expiresMs: far }, { jti: 'b', expiresMs: far }, HOME)).toEqual({ outcome: 'expired' });
        expect(await families.seen('f1', 'ada', HOME)).toBe(false);
        expect((await entries()).map(({ event, reason }) => [event, reason])).toEqual([['login', undefined], ['timeout', 'absolute'], ['session_use_after_end', undefined]]);
      }, { absoluteMs: 3_600_000 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends on the record a login whose family could not be stored', async () => {
    const store = { ...memoryFamilyStore(), create: () => Promise.reject(new Error('the database is away')) };
    await withFamilies(store, 0, async ({ families, entries }) => {
      await expect(families.start(token('f1', 'a'), HOME)).rejects.toThrow('the database is away');
      const found = await entries();
      expect(found).toMatchObject([{ event: 'login' }, { event: 'logout', reason: 'session_not_stored', initiator: 'system' }]);
    });
  });

  it('works with tokens of jose, whose expiry it judges itself', async () => {
    const key = new TextEncoder().encode('a key for tokens, of no less than 32 characters');
    await withFamilies(memoryFamilyStore(), 0, async ({ families, entries }) => {
      const [family, jti, exp] = [randomUUID(), randomUUID(), Math.floor(Date.now() / 1000) - 1];
      const jws = await new SignJWT({ fam: family }).setProtectedHeader({ alg: 'HS256' }).setSubject('ada').setJti(jti).setExpirationTime(exp).sign(key);
      await families.start({ family, jti, userId: 'ada', expiresMs: Date.now() + 100 }, HOME);
      // jose has no option to look past the expiry, but its error has the payload, whose signature it has checked.
      const { payload } = await jwtVerify(jws, key).catch((error: unknown) => {
        if (error instanceof errors.JWTExpired) return { payload: error.payload };
        throw error;
      });
      const presented = { family: String(payload['fam']), jti: String(payload.jti), userId: String(payload.sub), expiresMs: Number(payload.exp) * 1000 };
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect(await families.rotate(presented, { jti: randomUUID() }, HOME)).toEqual({ outcome: 'expired' });
      expect((await entries()).map(({ event }) => event)).toEqual(['login', 'timeout']);
    });
  });
});
