import { randomBytes } from 'node:crypto';
import { parseEntry, type Entry, type EventInput } from '@indelible/event';
import { createSigningKey, memoryStore, openLog, parseSigningKey, type Log, type Store, type Signer } from '@indelible/log';
import { openTracker, type Acknowledgement, type SessionTracker, type TrackerPort, type TrustProxy } from '@indelible/session';
import { vi } from 'vitest';
import type { AdapterUnderTest, RunningApp, StartOptions } from '../adapter-under-test.ts';
import { Browser, type BrowserOptions } from './browser.ts';

export const MINUTE = 60_000;
export const SECRET = 'a secret for cookies, of no less than 32 characters';
export const SID_KEY: Uint8Array = new Uint8Array(32).fill(7);
const POLICY: StartOptions['policy'] = { idleMs: 15 * MINUTE, absoluteMs: 8 * 60 * MINUTE };
/** As the tracker coalesces by default: a tenth of the idle time. */
export const EXTEND_EVERY_MS = 90_000;

/** A log between the tracker and the disk that can be made to fail. */
export class FaultyPort implements TrackerPort {
  isDown = false;
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  append(event: EventInput): Promise<Acknowledgement> {
    return this.isDown ? Promise.reject(noSpace()) : this.#log.append(event);
  }

  follow(options: { from: number; follow: boolean; signal?: AbortSignal }): ReturnType<Log['follow']> {
    return this.#log.follow(options);
  }

  openSessions(): ReturnType<Log['openSessions']> {
    return this.#log.openSessions();
  }
}

/** How a scenario wants its world. */
export interface WorldOptions {
  readonly policy?: StartOptions['policy'];
  readonly trustProxy?: TrustProxy;
  readonly details?: Record<string, unknown>;
  /** Default: a new log in memory. */
  readonly store?: { readonly store: Store; readonly signer: Signer };
}

/** A log, a tracker, and the application under test, with a clock that stands still unless it is moved. */
export interface World {
  readonly port: FaultyPort;
  readonly tracker: SessionTracker;
  readonly app: RunningApp;
  readonly policy: StartOptions['policy'];
  readonly errors: unknown[];
  browser(options?: BrowserOptions): Browser;
  /** Moves the clock. */
  pass(ms: number): void;
  /** The entries about sessions, in order: what the log says about its own life is left out. */
  entries(): Promise<Entry[]>;
  /** The whole record as text. */
  text(): Promise<string>;
  close(): Promise<void>;
}

/** Starts all of it. The clock is `Date` alone; timers stay real. */
export async function startWorld(adapter: AdapterUnderTest, options: WorldOptions = {}): Promise<World> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  try {
    return await openWorld(adapter, options);
  } catch (error) {
    vi.useRealTimers();
    throw error;
  }
}

async function openWorld(adapter: AdapterUnderTest, options: WorldOptions): Promise<World> {
  const { policy = POLICY, trustProxy = false, details } = options;
  const { store, signer } = options.store ?? newStore();
  const log = await openLog({ store, signer, app: 'suite', instance: 'suite-log', heartbeatMs: 0 });
  const port = new FaultyPort(log);
  const errors: unknown[] = [];
  const tracker = await openTracker({
    log: port, sidKey: SID_KEY, policy, app: 'suite', instance: 'suite-1', adapter: { name: adapter.name, version: '0' },
    sweepEveryMs: 0, heartbeatMs: 0, onError: (error) => errors.push(error),
  });
  const app = await adapter.start({ tracker, policy, trustProxy, secret: SECRET, details });
  const browsers: Browser[] = [];

  const lines = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { bytes } of log.reader().entries()) found.push(new TextDecoder().decode(bytes));
    return found;
  };
  return {
    port, tracker, app, policy, errors,
    browser(browserOptions) {
      const browser = new Browser(app.url, browserOptions);
      browsers.push(browser);
      return browser;
    },
    pass(ms) {
      vi.setSystemTime(Date.now() + ms);
    },
    async entries() {
      await settle();
      const entries = (await lines()).map((line) => parseEntry(line));
      return entries.filter(({ event }) => !/^(log_|heartbeat|capture_gap)/.test(event));
    },
    async text() {
      return (await lines()).join('\n');
    },
    async close() {
      try {
        await app.close();
        port.isDown = false;
        await tracker.close();
        const record = (await lines()).join('\n');
        await log.close();
        // Whatever the scenario was about: no secret of any browser is on the record.
        for (const secret of browsers.flatMap((browser) => [...browser.secrets])) {
          if (record.includes(secret)) throw new Error('a raw session id, or a part of a cookie, is on the record');
        }
      } finally {
        vi.useRealTimers();
      }
    },
  };
}

/** What no response waits for, such as a coalesced extension, is on the record a moment later. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}

function newStore(): { store: Store; signer: Signer } {
  const signer = parseSigningKey(createSigningKey(`suite.example/${randomBytes(4).toString('hex')}`).secret);
  return { store: memoryStore(), signer };
}

function noSpace(): Error {
  return Object.assign(new Error('no space left on the device'), { code: 'ERR_LOG_STORAGE_FULL' });
}
