import { createHash, randomBytes } from 'node:crypto';
import { currentOrigin } from '@indelible/session';
import { wrapSessionStore } from '@indelible/session/session-store';
import type { AdapterUnderTest } from './adapter-under-test.ts';
import { pause, serve } from './support/node-app.ts';

interface Row {
  readonly id: string;
  readonly userId: string;
  readonly createdMs: number;
  readonly expiresAt: Date;
}

/** A store as the guides for own sessions have it: the client holds a token, the table its hash; use prolongs, expiry deletes. */
export function ownSessions(policy: { idleMs: number; absoluteMs: number }, isDown: () => boolean = () => false) {
  const rows = new Map<string, Row>();
  const reach = (): void => {
    if (isDown()) throw new Error('the database is away');
  };
  const prolong = (row: Row): Row => {
    const prolonged = { ...row, expiresAt: new Date(Math.min(Date.now() + policy.idleMs, row.createdMs + policy.absoluteMs)) };
    rows.set(row.id, prolonged);
    return prolonged;
  };
  return {
    rows,
    create(token: string, userId: string): Row {
      reach();
      return prolong({ id: hash(token), userId, createdMs: Date.now(), expiresAt: new Date() });
    },
    validate(token: string): { session: Row; user: { id: string } } | { session: null; user: null } {
      reach();
      const row = rows.get(hash(token));
      if (row === undefined || row.expiresAt.getTime() <= Date.now()) {
        if (row !== undefined) rows.delete(row.id);
        return { session: null, user: null };
      }
      return { session: prolong(row), user: { id: row.userId } };
    },
    async invalidate(id: string): Promise<void> {
      reach();
      rows.delete(id);
    },
    async invalidateAll(userId: string): Promise<void> {
      reach();
      for (const row of rows.values()) if (row.userId === userId) rows.delete(row.id);
    },
    async extend(id: string): Promise<Row | undefined> {
      reach();
      const row = rows.get(id);
      return row === undefined ? undefined : prolong(row);
    },
  };
}

export function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export const adapter: AdapterUnderTest = {
  name: 'session-store',
  title: 'own session store (Lucia style), node:http',
  module: import.meta.url,
  async start({ tracker, policy, trustProxy, details }) {
    let isDown = false;
    const store = wrapSessionStore(ownSessions(policy, () => isDown), { tracker, sessionId: hash, ...(details === undefined ? {} : { details }) });

    const app = await serve(trustProxy, async ({ route, query, cookies, answer, setCookie }) => {
      if (route === 'GET /') return answer(200);
      const token = cookies.get('session');
      const { session } = token === undefined ? { session: null } : await store.validate(token);
      const user = query.get('user') ?? '';
      const signIn = async (): Promise<void> => {
        const next = randomBytes(24).toString('base64url');
        await store.create(next, user);
        if (session !== null) await store.invalidate(session.id);
        setCookie('session', next);
      };
      if (route === 'POST /login') {
        if (query.has('fail')) {
          await tracker.loginFailed({ ...currentOrigin(), reason: 'wrong_password' });
          return answer(401);
        }
        await signIn();
        return answer(200);
      }
      if (session === null) return answer(401);
      switch (route) {
        case 'GET /me':
          await pause(Number(query.get('delay') ?? 0));
          return answer(200, { user: session.userId });
        case 'POST /logout':
          await store.invalidate(session.id);
          setCookie('session', '', '; Max-Age=0');
          return answer(204);
        case 'POST /extend':
          await store.extend(session.id);
          return answer(200);
        case 'POST /regenerate': {
          const next = randomBytes(24).toString('base64url');
          await store.create(next, session.userId);
          await store.invalidate(session.id);
          setCookie('session', next);
          return answer(200);
        }
        case 'POST /switch':
          await signIn();
          return answer(200);
        case 'POST /admin/revoke':
          await store.invalidateAll(user);
          return answer(204);
        default:
          return answer(404);
      }
    });
    return {
      ...app,
      failStore(down) {
        isDown = down;
      },
    };
  },
};
