import type { Snapshot } from '../tracker/request-change.ts';
import { type FailedLogin, outlivesRefusal, REFUSAL, type RequestCapture, usualFailure, type Visit } from './request-capture.ts';

/** What is used of Hono's context. */
export interface HonoContext {
  readonly req: { readonly method: string; readonly path: string; readonly raw: { readonly headers: Headers }; header(name: string): string | undefined };
  readonly env: unknown;
  get res(): Response;
  set res(response: Response | undefined);
  get(key: never): unknown;
}

/** A middleware of Hono. */
export type HonoMiddleware<Context> = (c: Context, next: () => Promise<void>) => Promise<Response | void>;

/** Where the client's address begins. */
export interface HonoAddressOption<Context> {
  /** The other end of the connection, of which Hono itself knows nothing. Default: as `@hono/node-server` has it. */
  readonly remoteAddress?: ((c: Context) => string | undefined) | undefined;
}

/** The start of a request. */
export function beginVisit<Context extends HonoContext>(
  capture: RequestCapture<Context, never>,
  c: Context,
  { remoteAddress = nodeAddress }: HonoAddressOption<Context>,
): Visit {
  return capture.visit({ socketAddress: remoteAddress(c), headers: c.req.raw.headers }, c.req.header('user-agent'), `${c.req.method} ${c.req.path}`);
}

/** The end of a request, before its session is stored; `end` destroys that. */
export async function concludeVisit<Context extends HonoContext>(
  capture: RequestCapture<Context, never>,
  c: Context,
  visit: Visit,
  after: Snapshot,
  end: () => void | Promise<void>,
): Promise<void> {
  if (capture.isSuperseded(visit, after)) {
    await end();
    return;
  }
  const recorded = capture.finish(c, visit, after);
  try {
    if (recorded !== undefined) await recorded;
  } catch {
    await end();
    await refuse(c);
  }
}

/** Answers that a login could not be recorded, in place of what the route answered. */
export async function refuse(c: HonoContext): Promise<void> {
  const { body, headers } = c.res;
  await body?.cancel().catch(() => undefined);
  const kept = [...headers].filter(([header]) => outlivesRefusal(header));
  // Given a response in place of another one, Hono keeps the headers of that.
  c.res = undefined;
  c.res = new Response(REFUSAL.body, { status: REFUSAL.status, headers: [...kept, ...REFUSAL.headers].map(([header, value]) => [header, value]) });
}

/** What was posted to where one logs in, and was refused. */
export function usualHonoFailure(c: HonoContext): FailedLogin | undefined {
  return usualFailure(c.req.method, c.req.path, c.res.status);
}

function nodeAddress(c: HonoContext): string | undefined {
  type Bindings = { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } };
  const env = (c.env ?? {}) as Bindings & { readonly server?: Bindings };
  return (env.server ?? env).incoming?.socket?.remoteAddress;
}
