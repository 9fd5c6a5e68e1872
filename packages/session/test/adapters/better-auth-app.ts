import { sessionRecord } from '@indelible/session/better-auth';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { admin } from 'better-auth/plugins/admin';
import { twoFactor } from 'better-auth/plugins/two-factor';
import type { AdapterUnderTest, StartOptions } from './adapter-under-test.ts';
import { pause, serve, type AppRequest } from './support/node-app.ts';

type Tables = Record<string, Record<string, unknown>[]>;

/** better-auth over tables in memory, with a switch that makes each of their calls fail. */
export function makeAuth({ tracker, policy, trustProxy, secret, details }: StartOptions, more: Record<string, unknown> = {}) {
  const tables: Tables = { user: [], session: [], account: [], verification: [], twoFactor: [] };
  const store = { isDown: false };
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1',
    secret,
    database: (options: never) => failing(memoryAdapter(tables)(options), store),
    // A real hash takes a tenth of a second.
    emailAndPassword: { enabled: true, minPasswordLength: 1, password: { hash: async (password: string) => password, verify: async (given: { hash: string; password: string }) => given.hash === given.password } },
    session: { expiresIn: policy.idleMs / 1000, updateAge: 0 },
    advanced: { disableCSRFCheck: true, disableOriginCheck: true },
    logger: { disabled: true },
    telemetry: { enabled: false },
    plugins: [admin(), twoFactor({ skipVerificationOnEnable: true }), sessionRecord({ tracker, trustProxy, ...(details === undefined ? {} : { details }) })],
    ...more,
  } as never) as unknown as { handler(request: Request): Promise<Response> };
  return { auth, tables, store };
}

/** The suite names a user; better-auth wants an address and an account. */
export function addUser(tables: Tables, id: string): string {
  const email = `${Buffer.from(id).toString('hex')}@users.example`;
  if (tables['user']?.some((row) => row['id'] === id) !== true) {
    const now = new Date();
    tables['user']?.push({ id, name: id, email, emailVerified: true, role: id === 'root' ? 'admin' : 'user', createdAt: now, updatedAt: now });
    tables['account']?.push({ id: `a-${id}`, accountId: id, providerId: 'credential', userId: id, password: 'right', createdAt: now, updatedAt: now });
  }
  return email;
}

/** One request of the suite as a request to better-auth's own handler, which sets the cookies. */
async function ask({ auth }: ReturnType<typeof makeAuth>, { request, response }: AppRequest, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const headers = new Headers({ 'content-type': 'application/json' });
  for (const name of ['cookie', 'user-agent', 'x-forwarded-for']) if (typeof request.headers[name] === 'string') headers.set(name, request.headers[name]);
  const answer = await auth.handler(
    new Request(`http://127.0.0.1/api/auth${path}`, { method, headers, ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}) }),
  );
  for (const line of answer.headers.getSetCookie()) response.appendHeader('set-cookie', line);
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
}

export const adapter: AdapterUnderTest = {
  name: 'better-auth',
  title: 'better-auth 1.7.4, database sessions',
  module: import.meta.url,
  cannot: {
    extension_explicit: 'better-auth prolongs a session when it is read, and has no other way: a wish for more time is not told apart from use',
  },
  async start(options) {
    const made = makeAuth(options);
    const app = await serve(options.trustProxy, async (visit) => {
      const { route, query, answer } = visit;
      const user = query.get('user') ?? '';
      const pass = async (method: string, path: string, body?: unknown): Promise<void> => {
        const reply = await ask(made, visit, method, path, body);
        answer(reply.status, reply.status < 300 ? {} : reply.body);
      };
      switch (route) {
        case 'GET /':
          return answer(200);
        case 'GET /me': {
          const { status, body } = await ask(made, visit, 'GET', '/get-session');
          await pause(Number(query.get('delay') ?? 0));
          if (status !== 200) return answer(status);
          return body === null ? answer(401) : answer(200, { user: (body as { user: { id: string } }).user.id });
        }
        case 'POST /login':
        case 'POST /switch':
          return pass('POST', '/sign-in/email', { email: addUser(made.tables, user), password: query.has('fail') ? 'wrong' : 'right' });
        case 'POST /logout':
          return pass('POST', '/sign-out');
        case 'POST /extend':
          return pass('GET', '/get-session');
        case 'POST /regenerate':
          return pass('POST', '/two-factor/enable', { password: 'right' });
        case 'POST /admin/revoke':
          return pass('POST', '/admin/revoke-user-sessions', { userId: user });
        default:
          return answer(404);
      }
    });
    return {
      ...app,
      failStore(down) {
        made.store.isDown = down;
      },
    };
  },
};

function failing<T extends object>(adapter: T, store: { readonly isDown: boolean }): T {
  return new Proxy(adapter, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (!store.isDown || typeof member !== 'function') return member;
      return () => Promise.reject(new Error('the database is away'));
    },
  });
}
