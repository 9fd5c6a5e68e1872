import { randomUUID } from 'node:crypto';
import { currentOrigin } from '@indelible/session';
import { memoryFamilyStore, recordRefreshTokens, type FamilyStore } from '@indelible/session/refresh-tokens';
import jwt from 'jsonwebtoken';
import type { AdapterUnderTest } from './adapter-under-test.ts';
import { pause, serve } from './support/node-app.ts';

const ACCESS_SECONDS = 90;

interface Refresh {
  readonly sub: string;
  readonly fam: string;
  readonly jti: string;
  readonly exp: number;
  readonly auth_time: number;
}

export const adapter: AdapterUnderTest = {
  name: 'refresh-tokens',
  title: 'refresh-token families (jsonwebtoken 9.0.3), node:http',
  module: import.meta.url,
  cannot: {
    store_outage: 'an access token is good without the store of the families: an outage is not noticed until the next rotation',
  },
  differs: {
    regeneration: { events: ['login', 'extend', 'logout'], why: 'a new refresh token is a rotation, which is an extension' },
    killed: { events: ['login', 'timeout'], why: 'an access token is good without its family: the deadline ends the session on the record' },
  },
  async start({ tracker, policy, trustProxy, secret, details }) {
    let isDown = false;
    const store = failing(memoryFamilyStore(), () => isDown);
    const families = recordRefreshTokens({ tracker, store, ...(details === undefined ? {} : { details }) });

    const app = await serve(trustProxy, async ({ route, query, cookies, answer, setCookie }) => {
      const user = query.get('user') ?? '';
      const held = verify<Refresh>(cookies.get('refresh'), secret, true);
      const access = verify<{ sub: string; fam: string }>(cookies.get('access'), secret, false);
      const give = (refresh: Refresh): void => {
        setCookie('refresh', jwt.sign(refresh, secret));
        setCookie('access', jwt.sign({ sub: refresh.sub, fam: refresh.fam }, secret, { expiresIn: ACCESS_SECONDS }));
      };
      const signIn = async (): Promise<void> => {
        const auth_time = Date.now();
        const first: Refresh = { sub: user, fam: randomUUID(), jti: randomUUID(), exp: expiry(auth_time), auth_time };
        const replaces = held === undefined ? undefined : { family: held.fam, userId: held.sub };
        await families.start({ family: first.fam, jti: first.jti, userId: user, expiresMs: first.exp * 1000 }, { replaces });
        give(first);
        answer(200);
      };
      /** Whether the client is still logged in, with a new refresh token. */
      const rotate = async (): Promise<boolean> => {
        if (held === undefined) return false;
        const next = { jti: randomUUID(), expiresMs: expiry(held.auth_time) * 1000 };
        const presented = { family: held.fam, jti: held.jti, userId: held.sub, expiresMs: held.exp * 1000 };
        const rotation = await families.rotate(presented, next);
        if (rotation.outcome === 'rotated') give({ ...held, jti: next.jti, exp: next.expiresMs / 1000 });
        else if (rotation.outcome === 'grace_replay') give({ ...held, jti: rotation.current.jti, exp: (rotation.current.expiresMs ?? 0) / 1000 });
        else return false;
        return true;
      };
      const expiry = (authMs: number): number => Math.ceil(Math.min(Date.now() + policy.idleMs, authMs + policy.absoluteMs) / 1000);

      if (route === 'GET /') return answer(200);
      if (route === 'POST /login') {
        if (!query.has('fail')) return signIn();
        await tracker.loginFailed({ ...currentOrigin(), reason: 'wrong_password' });
        return answer(401);
      }
      const isIn = access !== undefined ? await families.seen(access.fam, access.sub) : await rotate();
      if (!isIn || held === undefined) return answer(401);
      switch (route) {
        case 'GET /me':
          await pause(Number(query.get('delay') ?? 0));
          return answer(200, { user: held.sub });
        case 'POST /logout':
          await families.logout(held.fam);
          setCookie('refresh', '', '; Max-Age=0');
          setCookie('access', '', '; Max-Age=0');
          return answer(204);
        case 'POST /extend':
        case 'POST /regenerate':
          return answer((await rotate()) ? 200 : 401);
        case 'POST /switch':
          return signIn();
        case 'POST /admin/revoke':
          await families.revoke({ userId: user });
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

function verify<T>(token: string | undefined, secret: string, ignoreExpiration: boolean): T | undefined {
  if (token === undefined) return undefined;
  try {
    return jwt.verify(token, secret, { algorithms: ['HS256'], ignoreExpiration }) as T;
  } catch {
    return undefined;
  }
}

function failing(store: FamilyStore, isDown: () => boolean): FamilyStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      if (isDown()) return () => Promise.reject(new Error('the database is away'));
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
}
