import type { AdapterUnderTest, StartOptions } from '../adapter-under-test.ts';
import { pause, serve, type AppRequest } from './node-app.ts';

/** What serves the routes of Auth.js. */
export type Handler = (request: Request) => Promise<Response>;

/** An application with Auth.js, as the suite starts it. */
export interface AuthApp {
  readonly handler: Handler;
  signIn(visit: AppRequest, user: string, isWrong: boolean): Promise<Response>;
  /** Deletes a user's sessions, where there are any to delete. */
  deleteSessions?(user: string): void;
  /** The session store, where there is one to fail. */
  readonly store?: { isDown: boolean };
}

/** One request of the suite as a request to Auth.js, cookies and all. */
export async function ask(handler: Handler, visit: AppRequest, method: 'GET' | 'POST', path: string, form: Record<string, string> = {}, json?: unknown): Promise<Response> {
  const { request, response } = visit;
  const headers = new Headers({ host: '127.0.0.1' });
  for (const name of ['cookie', 'user-agent', 'x-forwarded-for']) if (typeof request.headers[name] === 'string') headers.set(name, request.headers[name]);
  const url = path.startsWith('http') ? path : `http://127.0.0.1/auth${path}`;
  if (method === 'GET') return answered(await handler(new Request(url, { headers })), response);
  const csrf = await handler(new Request('http://127.0.0.1/auth/csrf', { headers }));
  const [pair = ''] = csrf.headers.getSetCookie()[0]?.split(';') ?? [];
  const { csrfToken } = (await csrf.json()) as { csrfToken: string };
  if (pair !== '') headers.set('cookie', [headers.get('cookie'), pair].filter(Boolean).join('; '));
  headers.set('content-type', json === undefined ? 'application/x-www-form-urlencoded' : 'application/json');
  const body = json === undefined ? new URLSearchParams({ csrfToken, ...form }).toString() : JSON.stringify({ csrfToken, data: json });
  return answered(await handler(new Request(url, { method: 'POST', headers, body })), response);
}

function answered(answer: Response, response: AppRequest['response']): Response {
  for (const line of answer.headers.getSetCookie()) response.appendHeader('set-cookie', line);
  return answer;
}

/** The suite's routes on top of those of Auth.js. */
export function authAdapter(about: Omit<AdapterUnderTest, 'start'>, make: (options: StartOptions) => AuthApp): AdapterUnderTest {
  return {
    ...about,
    async start(options) {
      const { handler, signIn, deleteSessions, store } = make(options);
      const app = await serve(options.trustProxy, async (visit) => {
        const { route, query, answer } = visit;
        const user = query.get('user') ?? '';
        const session = async (how: 'GET' | 'POST'): Promise<string | undefined> => {
          const reply = await ask(handler, visit, how, '/session', {}, how === 'POST' ? {} : undefined);
          const body = (await reply.json()) as { user?: { id?: string } } | null;
          return body?.user?.id;
        };
        switch (route) {
          case 'GET /':
            return answer(200);
          case 'GET /me': {
            const id = await session('GET');
            await pause(Number(query.get('delay') ?? 0));
            return id === undefined ? answer(401) : answer(200, { user: id });
          }
          case 'POST /login':
          case 'POST /switch': {
            const reply = await signIn(visit, user, query.has('fail'));
            if (reply.status === 503) return answer(503);
            return answer(reply.headers.get('location')?.includes('error=') === true ? 401 : 200);
          }
          case 'POST /logout':
            await ask(handler, visit, 'POST', '/signout');
            return answer(204);
          case 'POST /extend':
            return answer((await session('POST')) === undefined ? 401 : 200);
          case 'POST /admin/revoke':
            deleteSessions?.(user);
            await options.tracker.revoke({ userId: user }, { initiator: 'admin' });
            return answer(204);
          default:
            return answer(route === 'POST /regenerate' ? 200 : 404);
        }
      });
      if (store === undefined) return app;
      return {
        ...app,
        failStore(down) {
          store.isDown = down;
        },
      };
    },
  };
}
