import type { SessionPolicy, SessionTracker, TrustProxy } from '@indelible/session';

/** What the suite tries with every adapter. The names stand in the coverage table. */
export const SCENARIOS = {
  anonymous_visit: 'an anonymous visit is not an event',
  login: 'login',
  login_failed: 'failed login',
  login_not_durable: 'a login that cannot be recorded is refused',
  activity: 'activity is not an event',
  extension_coalesced: 'extension by use, coalesced',
  extension_explicit: 'extension by wish',
  regeneration: 'new id of the same session',
  logout: 'logout',
  idle_timeout_without_request: 'idle timeout, nobody comes back',
  idle_timeout_with_request: 'idle timeout, found by a later request',
  absolute_timeout: 'absolute timeout',
  second_session: 'second session from another network',
  account_switch: 'account switch',
  revoke_by_admin: 'revocation by an administrator',
  forged_cookie: 'a forged cookie is nobody',
  use_after_end: 'use after the end',
  store_outage: 'an outage of the session store is not a logout',
  killed: 'process killed between "session destroyed" and "event durable"',
  two_requests: 'two requests at once',
  spoofed_address: 'a spoofed X-Forwarded-For is not believed',
  long_user_agent: 'a user agent of 100 kB',
  hostile_user_id: 'a user id with newlines and quotes',
  details_overwrite: 'details that try to overwrite userId',
} as const;

/** A scenario of the suite. */
export type Scenario = keyof typeof SCENARIOS;

/** What the application under test is started with. */
export interface StartOptions {
  /** Opened by the suite, over a real log, with the policy below; closed by the suite. */
  readonly tracker: SessionTracker;
  /** The framework's own expiry MUST be set to `idleMs`, as an application would. */
  readonly policy: SessionPolicy & { readonly idleMs: number; readonly absoluteMs: number };
  readonly trustProxy: TrustProxy;
  /** Secret for cookies and tokens: the same after a restart. At least 32 characters. */
  readonly secret: string;
  /** Give this to the adapter's option for details of every event, if it has one. */
  readonly details: Record<string, unknown> | undefined;
}

/** An application that listens on 127.0.0.1, port 0. */
export interface RunningApp {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Makes the framework's session store fail each call, or work again. */
  failStore?(isDown: boolean): void;
  /** Stops listening and lets go of everything; open connections are cut. */
  close(): Promise<void>;
}

/**
 * An adapter, and a small application of the real framework that uses it as its documentation says.
 *
 * Routes of the application (JSON; a user is whoever is named, there are no passwords):
 *
 * | route | does | answers |
 * | --- | --- | --- |
 * | `GET /` | nothing, reads no session | 200 |
 * | `GET /me`, `GET /me?delay=<ms>` | answers, after the delay | 200 `{ user }`, or 401 |
 * | `POST /login?user=<id>` | signs in; an unknown session id is made (no fixation) | 200, or 503 where it cannot be recorded |
 * | `POST /login?user=<id>&fail=1` | wrong password | 401 |
 * | `POST /logout` | signs out, ends the session in the framework | 200 or 204 |
 * | `POST /extend` | "stay signed in": the framework's own means to prolong | 200 |
 * | `POST /regenerate` | new secret id for the same session | 200 |
 * | `POST /switch?user=<id>` | the same session goes on as somebody else | 200 |
 * | `POST /admin/revoke?user=<id>` | ends all sessions of that user, and says that an administrator did | 200 or 204 |
 *
 * Cookies carry the session. The server takes 256 kB of headers (`createServer({ maxHeaderSize: 262_144 }, …)`). The clock is `Date`, which the suite sets; timers are real. `x-forwarded-for` and `origin` are sent as a
 * browser and a proxy would.
 */
export interface AdapterUnderTest {
  /** As in the file's name: `express-session`. */
  readonly name: string;
  /** For the coverage table: `express-session 1.19.0, Express 5.3.0`. */
  readonly title: string;
  /** `import.meta.url` of the module that exports this object as `adapter`: a child process imports it too. */
  readonly module: string;
  start(options: StartOptions): Promise<RunningApp>;
  /** Scenarios that the framework cannot show, and why; the sentence goes into the coverage table. They are run, and must fail. */
  readonly cannot?: Partial<Record<Scenario, string>>;
  /** Where the record differs from the usual sequence of events, and why; the sentence goes into the coverage table. */
  readonly differs?: Partial<Record<Scenario, { readonly events: readonly string[]; readonly why: string }>>;
  /** Framework deadlines in whole seconds, for instance, may be off by this much. Default 1,000 ms. */
  readonly deadlineToleranceMs?: number;
}
