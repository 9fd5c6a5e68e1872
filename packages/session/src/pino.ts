import { writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { createId } from '@indelible/event';
import { openDelivery, type Delivery } from './delivery/delivery.ts';
import { httpSink } from './delivery/http-sink.ts';
import { codeOf } from './delivery/send-batch.ts';
import { defaultSource } from './delivery/source.ts';
import type { SpoolOptions } from './delivery/spool-options.ts';
import { SessionError } from './error.ts';
import type { LogPort } from './log-port.ts';
import { pinoEvent } from './pino-line.ts';

/** Options of the pino transport: either `dir` or `url`. They cross a thread: plain values only. */
export interface PinoTransportOptions {
  /** The directory of a log, as `indelible init` made it. This process writes it, and no other. Needs `@indelible/log`. */
  readonly dir?: string;
  /** The file of the signing key. Default: `INDELIBLE_SIGNING_KEY`, `INDELIBLE_SIGNING_KEY_FILE`, then the key beside `dir`. */
  readonly signingKey?: string;
  /** The file of the pin. Default: beside the signing key. */
  readonly pin?: string;
  /** A log service; see `httpSink`. */
  readonly url?: string;
  /** Default: `INDELIBLE_TOKEN`. */
  readonly token?: string;
  readonly plainHttp?: 'accept';
  /** Where events wait while the log is away. Default: in memory, which ends with the process. */
  readonly spool?: SpoolOptions;
  /** How long the log may take for an event. Default 4,000 ms. The end of the process may take twice as long; pino gives it 10 s. */
  readonly timeoutMs?: number;
  readonly app?: string;
  /**
   * Only lines with these members are events: `{ audit: process.env.AUDIT_MARK }`, with a value that no client can guess, bound to the
   * logger of the session events by `logger.child`. They are not recorded.
   */
  readonly only?: Readonly<Record<string, string>>;
}

const DEFAULT_TIMEOUT_MS = 4_000;
/** More than this wait for the log: then pino waits. */
const MAX_UNDER_WAY = 8_192;
const MAX_LINE_CHARS = 1 << 20;

/**
 * The pino transport, for `pino({ transport: { target: '@indelible/session/pino', options: { dir } } })`.
 *
 * Lines that are session events are recorded; all others are ignored. `logger.info` returns before anything is durable and hears of
 * no failure: what is refused is reported on stderr. `logger.flush(callback)` calls back when everything logged before is durable.
 *
 * @throws Error whose message names the code of what could not be opened; pino then emits `error`, which ends the process.
 */
export async function pinoTransport(options: PinoTransportOptions): Promise<Writable> {
  try {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, spool } = options;
    const only = checkOnly(options.only);
    const source = defaultSource({ app: options.app });
    const log = await openTarget(options, timeoutMs);
    const delivery = await openDelivery({ log, mode: 'strict', timeoutMs, source, onError: report, ...(spool === undefined ? {} : { spool }) });
    return new EventStream(delivery, log, only).stream;
  } catch (cause) {
    // On its way to the main thread an error keeps its message and loses its code.
    throw new Error(`@indelible/session/pino: ${describe(cause)}`, { cause });
  }
}

// oxlint-disable-next-line import/no-default-export -- pino takes a transport's function from there
export { pinoTransport as default };

/** Pairs that a line must have. An empty mark, from a variable that is not set, would be no mark. */
function checkOnly(only: Readonly<Record<string, string>> | undefined): readonly (readonly [string, string])[] {
  if (only === undefined) return [];
  const pairs = Object.entries(only);
  if (pairs.length === 0 || pairs.some(([, mark]) => typeof mark !== 'string' || mark === '')) {
    throw new SessionError('ERR_SESSION_OPTION_INVALID', 'only must name at least one member, each with a text that is not empty: { audit: process.env.AUDIT_MARK }');
  }
  return pairs;
}

type ClosableLog = LogPort & { close(): Promise<void> };

async function openTarget(options: PinoTransportOptions, timeoutMs: number): Promise<ClosableLog> {
  const { dir, url, token, plainHttp, app } = options;
  if ((dir === undefined) === (url === undefined)) {
    throw new SessionError('ERR_SESSION_OPTION_INVALID', 'give options { dir } for a log on this machine, or { url } for a log service');
  }
  if (dir !== undefined) return openDirectory(dir, options);
  const own = { ...(token === undefined ? {} : { token }), ...(plainHttp === undefined ? {} : { plainHttp }), ...(app === undefined ? {} : { app }) };
  return httpSink({ url: url!, timeoutMs, ...own });
}

/** What is used of `@indelible/log`. */
interface LogPackage {
  openLog(options: object): Promise<ClosableLog>;
  fileStore(directory: string): object;
  readSigningKey(path: string): object;
  parseSigningKey(secret: string, source?: string): object;
  pinPath(signingKey: string): string;
}

async function openDirectory(dir: string, { signingKey, pin, app }: PinoTransportOptions): Promise<ClosableLog> {
  const name = '@indelible/log'; // an optional peer: who uses `url` does not install it
  let log: LogPackage;
  try {
    log = (await import(name)) as LogPackage;
  } catch (cause) {
    throw new SessionError('ERR_SESSION_OPTION_INVALID', 'option dir needs the package @indelible/log: npm install @indelible/log', undefined, cause);
  }
  const path = resolve(dir);
  const secret = process.env['INDELIBLE_SIGNING_KEY'] ?? '';
  const byEnvironment = process.env['INDELIBLE_SIGNING_KEY_FILE'] ?? '';
  const beside = join(dirname(path), `${basename(path)}.key`);
  const file = signingKey ?? (byEnvironment === '' ? beside : byEnvironment);
  const isSecret = signingKey === undefined && secret !== '';
  return log.openLog({
    store: log.fileStore(path),
    signer: isSecret ? log.parseSigningKey(secret, 'the key in INDELIBLE_SIGNING_KEY') : log.readSigningKey(file),
    pin: pin ?? log.pinPath(isSecret ? beside : file),
    onError: report,
    ...(app === undefined ? {} : { app }),
  });
}

/** Takes lines from pino and hands the events among them on. */
class EventStream {
  /** What pino writes to. Ends when everything is on the record, or known not to be. */
  readonly stream: Writable & { flush?: (done: () => void) => void };
  readonly #delivery: Delivery;
  readonly #log: ClosableLog;
  readonly #underWay = new Set<Promise<void>>();
  readonly #only: readonly (readonly [string, string])[];
  #rest = '';

  constructor(delivery: Delivery, log: ClosableLog, only: readonly (readonly [string, string])[]) {
    this.#only = only;
    this.#delivery = delivery;
    this.#log = log;
    this.stream = new Writable({
      decodeStrings: false,
      write: (chunk: string | Uint8Array, _encoding, done) => {
        this.#take(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
        if (this.#underWay.size < MAX_UNDER_WAY) done();
        else void this.#settled().then(() => done());
      },
      final: (done) => void this.#end().then(() => done(), (error: Error) => done(error)),
    });
    // Asked by logger.flush(): pino then calls back when this does.
    this.stream.flush = (done) => void this.#flush().then(done);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_CHARS) {
      reportLine('a line is too long for an event');
      this.#rest = '';
    }
    for (const line of lines) if (line.includes('"event"')) this.#record(line);
  }

  #record(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      reportLine('a line is no JSON');
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const members = value as Record<string, unknown>;
    for (const [key, mark] of this.#only) {
      if (!Object.hasOwn(members, key) || members[key] !== mark) return;
      delete members[key];
    }
    const event = pinoEvent(members, createId);
    if (event === undefined) return;
    const work = this.#delivery.record(event, 'proceeds').then(
      () => undefined,
      (error: unknown) => reportLine(`the ${describeName(event.event)} was not recorded: ${describe(error)}`),
    );
    this.#underWay.add(work);
    void work.then(() => this.#underWay.delete(work));
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #flush(): Promise<void> {
    await this.#settled();
    await this.#delivery.drain().catch(report);
  }

  async #end(): Promise<void> {
    if (this.#rest !== '') this.#take('\n');
    await this.#settled();
    await this.#delivery.close();
    await this.#log.close();
  }
}

function report(error: unknown): void {
  reportLine(describe(error));
}

/** At once, past the streams of this thread: they need the main thread, which may be waiting for this one to end. */
function reportLine(what: string): void {
  try {
    writeSync(2, `indelible: ${what}\n`);
  } catch {
    // There is nobody left to tell.
  }
}

function describe(error: unknown): string {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === undefined ? message : `${message} (${code})`;
}

function describeName(name: string): string {
  return /^[\w.-]{1,40}$/.test(name) ? name : 'event';
}
