import { runWithOrigin } from '../request-origin.ts';
import type { TrackerOptions } from '../tracker/tracker-options.ts';
import type { SessionTracker } from '../tracker/tracker.ts';
import type { TrustProxy } from '../trust-proxy.ts';
import { webOrigin } from './web-origin.ts';

/** Options of {@link withOrigin}. */
export interface OriginOptions {
  /** Which proxies are believed about the client's address. Default `false`: no address, since Next.js shows no connection. */
  readonly trustProxy?: TrustProxy | undefined;
}

/** Options of {@link withActionOrigin}. */
export interface ActionOriginOptions extends OriginOptions {
  /** `headers` of `next/headers`. */
  readonly headers: () => Headers | Promise<Headers>;
  /** What stands in the entries as `resource`, such as `signInAction`: a server action has no path of its own. */
  readonly resource?: string | undefined;
}

/** Options of `openTracker` that depend on where a Next.js application runs. */
export type CaptureMode = Pick<TrackerOptions, 'sweepEveryMs' | 'heartbeatMs'>;

const DRAIN_MS = 1000;

/** A tracker, and the log under it. */
export interface OpenedTracker {
  readonly tracker: SessionTracker;
  /** Closed after the tracker when the server is told to stop. */
  readonly log?: { close(): Promise<unknown> } | undefined;
}

/** The tracker of a Next.js application. */
export interface NextTracker {
  /** Opens the tracker at the first call in this process, and gives it. */
  (): Promise<SessionTracker>;
  /**
   * For `register` of `instrumentation.ts`: opens the tracker when the server starts, so that its sweeper runs, and closes it and
   * its log on SIGTERM and SIGINT, `drainMs` (default 1,000) after the signal, for the requests that are being answered. Next.js
   * ends the process by itself, mostly sooner; under `NEXT_MANUAL_SIG_HANDLE` it is ended here, when the log is closed. Does
   * nothing in the Edge runtime, during a build, and in serverless functions, which live for a request.
   */
  register(options?: { readonly drainMs?: number | undefined }): Promise<void>;
}

/** Gives a route handler's entries the origin of its request. */
export function withOrigin<R extends Request, Rest extends unknown[], Result>(
  handler: (request: R, ...rest: Rest) => Result,
  { trustProxy = false }: OriginOptions = {},
): (request: R, ...rest: Rest) => Result {
  return (request, ...rest) => runWithOrigin(webOrigin(request, trustProxy), () => handler(request, ...rest));
}

/** Gives a server action's entries the origin of the request that it is called by. */
export function withActionOrigin<Args extends unknown[], Result>(
  action: (...args: Args) => Result | Promise<Result>,
  { headers, resource, trustProxy = false }: ActionOriginOptions,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const origin = { ...webOrigin({ headers: await headers() }, trustProxy), ...(resource === undefined ? {} : { resource }) };
    return runWithOrigin(origin, () => action(...args));
  };
}

// Next.js bundles instrumentation, routes and actions apart, and again at each change while developing: each has its own copy of a
// module. A log has one writer, so there is one tracker to a process.
const TRACKERS = Symbol.for('@indelible/session next trackers 1');
const shared = globalThis as unknown as { [TRACKERS]?: Map<string, Promise<OpenedTracker>> };

/**
 * One tracker for all parts of a Next.js application in one process. `open` is called once, with the options that fit where it
 * runs: on a long-lived server none, in a serverless function neither a sweeper nor a heartbeat. There, run `indelible sweep` on
 * a schedule. If it fails, the next call tries again.
 */
export function nextTracker(open: (mode: CaptureMode) => Promise<OpenedTracker>, name: string = 'sessions'): NextTracker {
  const get = (): Promise<OpenedTracker> => {
    const trackers = (shared[TRACKERS] ??= new Map<string, Promise<OpenedTracker>>());
    const known = trackers.get(name);
    if (known !== undefined) return known;
    const opening = open(isServerless() ? { sweepEveryMs: 0, heartbeatMs: 0 } : {});
    trackers.set(name, opening);
    opening.catch(() => trackers.delete(name));
    return opening;
  };
  const register = async ({ drainMs = DRAIN_MS }: { readonly drainMs?: number | undefined } = {}): Promise<void> => {
    const { NEXT_RUNTIME: runtime, NEXT_PHASE: phase } = process.env;
    if (runtime === 'edge' || phase === 'phase-production-build' || isServerless()) return;
    const opened = await get();
    for (const [signal, number] of [['SIGTERM', 15], ['SIGINT', 2]] as const) process.once(signal, () => void stop(opened, drainMs, signal, 128 + number).catch(warn));
  };
  return Object.assign(async () => (await get()).tracker, { register });
}

async function stop({ tracker, log }: OpenedTracker, drainMs: number, signal: NodeJS.Signals, exitCode: number): Promise<void> {
  try {
    await new Promise((resolve) => setTimeout(resolve, drainMs));
    await tracker.close();
    await log?.close();
  } finally {
    // Whoever listens to a signal takes it upon himself to end the process; nobody else does, or we were asked to.
    if ((process.env['NEXT_MANUAL_SIG_HANDLE'] ?? '') !== '' || process.listenerCount(signal) === 0) process.exit(exitCode);
  }
}

function warn(error: unknown): void {
  process.emitWarning(`the tracker was not closed in order: ${String(error)}`, { type: 'IndelibleWarning' });
}

/** Whether this process may be frozen or ended between two requests: a timer does not run then. */
function isServerless(): boolean {
  const marks = ['VERCEL', 'NETLIFY', 'AWS_LAMBDA_FUNCTION_NAME', 'FUNCTIONS_WORKER_RUNTIME', 'K_SERVICE'];
  return marks.some((mark) => (process.env[mark] ?? '') !== '');
}
