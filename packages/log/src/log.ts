import { constants, hostname } from 'node:os';
import { encodeEntry, type EncodedEntry, type EncodeOptions, type EventInput } from '@indelible/event';
import { formatBase64, parseVerifierKey } from '@indelible/tlog';
import type { LeftBehind } from './commit/next-segment.ts';
import { LogError } from './error.ts';
import { followRecord, LiveFeed } from './live-feed.ts';
import { PinKeeper } from './pin.ts';
import type { Receipt, RecordReader, SealedEntry } from './read/record-reader.ts';
import { formatKeyChange } from './recover/key-change.ts';
import { Recorder, type Acknowledgement } from './recorder.ts';
import { SealDelivery, type SealDestination } from './seal-to.ts';
import { signChecked } from './signer/sign-checked.ts';
import type { Signer } from './signer/signer.ts';
import type { OpenStore, Store, StoreContext } from './store/store.ts';

/** Options of `openLog`. */
export interface LogOptions {
  readonly store: Store;
  /** Signs the seals; `readSigningKey(path)` for a key file. */
  readonly signer: Signer;
  /** File for the newest seal, beside the key: a record older than it is refused. Default: none, a roll-back is not noticed. */
  readonly pin?: string;
  /** Name of the application, on every entry that does not name its own. Default: the npm package's name, or `app`. */
  readonly app?: string;
  /** Name of this instance. Default: host name and process id. */
  readonly instance?: string;
  /** Silence is recorded: a heartbeat entry every so often. Default 60,000 ms; 0 for none. */
  readonly heartbeatMs?: number;
  /** How many entries may wait before `append` refuses more with `ERR_LOG_QUEUE_FULL`. Default 65,536. */
  readonly maxQueued?: number;
  /** Where to keep seals besides: at the start, at each heartbeat and at the end. */
  readonly sealTo?: SealDestination | readonly SealDestination[];
  /** Keys whose values are redacted in `details`, besides the default ones. */
  readonly redactKeys?: readonly string[];
  /** Close the log, then end the process, on these signals. Default: none; the application closes it. */
  readonly closeOn?: readonly NodeJS.Signals[];
  /** Told about failures that no caller waits for: a heartbeat, a seal or a pin that could not be kept. Default: a process warning. */
  readonly onError?: (error: unknown) => void;
  /** Told while a missing cache is made anew. */
  readonly onProgress?: (entries: number, total: number) => void;
}

const DEFAULT_HEARTBEAT_MS = 60_000;
const DEFAULT_MAX_QUEUED = 65_536;

/**
 * Opens a log for writing: takes the writer's lock, recovers what a crash left behind, records `log_started`.
 *
 * Close it when the application ends: that records `log_stopped` and lets the next process in. What was acknowledged is safe
 * either way.
 *
 * @throws LogError where the options, the key or the record cannot be used; nothing is written then.
 */
export async function openLog(options: LogOptions): Promise<Log> {
  checkOptions(options);
  return Log.open(options);
}

/** Every option there is, so that a misspelt one is not silently without effect. */
const OPTION_NAMES: Readonly<Record<keyof LogOptions, true>> = {
  store: true,
  signer: true,
  pin: true,
  app: true,
  instance: true,
  heartbeatMs: true,
  maxQueued: true,
  sealTo: true,
  redactKeys: true,
  closeOn: true,
  onError: true,
  onProgress: true,
};

/** Callers without types get an answer too. */
function checkOptions(options: Partial<LogOptions> | undefined): void {
  const fail = (what: string): LogError => new LogError('ERR_LOG_OPTION_INVALID', `openLog: ${what}`);
  if (typeof options !== 'object' || options === null) throw fail('give it options, at least { store, signer }');
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(OPTION_NAMES, name)) throw fail(`there is no option ${name}; there are ${Object.keys(OPTION_NAMES).join(', ')}`);
  }
  if (typeof options.store?.open !== 'function') throw fail('option store is not a store: give fileStore(directory)');
  if (typeof options.signer?.sign !== 'function' || typeof options.signer.vkey !== 'string') {
    throw fail('option signer is not a signer: give readSigningKey(file), or { vkey, sign } of a key service');
  }
  parseVerifierKey(options.signer.vkey);
  checkOption('heartbeatMs', options.heartbeatMs, 0);
  checkOption('maxQueued', options.maxQueued, 1);
}

function checkOption(name: string, value: number | undefined, lowest: number): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= lowest)) {
    throw new LogError('ERR_LOG_OPTION_INVALID', `option ${name} is ${value}: give a whole number from ${lowest} up`);
  }
}

/** An open log. Calls may overlap: entries get their places in the order of the calls. */
export class Log {
  readonly #options: LogOptions;
  readonly #encode: EncodeOptions;
  readonly #seals: readonly SealDelivery[];
  readonly #pin: PinKeeper | undefined;
  readonly #onSignal: (signal: NodeJS.Signals) => void;
  readonly #feed = new LiveFeed();
  #signer: Signer;
  #recorder!: Recorder;
  #origin = '';
  #sealedSize = 0;
  #seal: string | undefined;
  #sealWaiters: { readonly size: number; readonly resolve: () => void; readonly reject: (error: LogError) => void }[] = [];
  #heartbeat: NodeJS.Timeout | undefined;
  #beats = 0;
  #closing: Promise<void> | undefined;
  #rotation: Promise<unknown> = Promise.resolve();

  private constructor(options: LogOptions) {
    this.#options = options;
    this.#signer = options.signer;
    const app = options.app ?? process.env['npm_package_name'] ?? 'app';
    const instance = options.instance ?? `${hostname()}:${process.pid}`;
    const redact = options.redactKeys === undefined ? {} : { redact: { keys: options.redactKeys } };
    this.app = app;
    this.instance = instance;
    this.#encode = { defaults: { app, instance }, ...redact };
    const { sealTo = [] } = options;
    const destinations: readonly SealDestination[] = Array.isArray(sealTo) ? (sealTo as readonly SealDestination[]) : [sealTo as SealDestination];
    this.#seals = destinations.map((destination) => new SealDelivery(destination, (error) => this.#report(error)));
    this.#pin = options.pin === undefined ? undefined : new PinKeeper(options.pin, (error) => this.#report(error));
    this.#onSignal = (signal) => {
      void this.close()
        .catch((error: unknown) => this.#report(error))
        .finally(() => endProcess(signal));
    };
  }

  /** Use `openLog`. */
  static async open(options: LogOptions): Promise<Log> {
    const log = new Log(options);
    const store = await log.#openStore();
    log.#recorder = new Recorder(store, () => log.#openStore(), options.maxQueued ?? DEFAULT_MAX_QUEUED, log.#feed);
    for (const left of log.#leftBehind.splice(0)) log.#recordRecovery(left);
    try {
      await log.#recordLife('log_started', { node: process.version });
    } catch (error) {
      await store.close();
      throw error;
    }
    const beatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    if (beatMs > 0) log.#heartbeat = setInterval(() => log.#beat(beatMs), beatMs).unref();
    for (const signal of options.closeOn ?? []) process.once(signal, log.#onSignal);
    void log.#deliverSeal();
    return log;
  }

  /** Name of the application, for entries that do not name their own. */
  readonly app: string;
  /** Name of this instance, for entries that do not name their own. */
  readonly instance: string;

  /** The log's name, as in its key and its seals. */
  get origin(): string {
    return this.#origin;
  }

  /** How many entries are durable and sealed. */
  get size(): number {
    return this.#sealedSize;
  }

  /** The newest seal: a C2SP checkpoint, signed. Keep copies where whoever runs the log cannot change them. */
  get seal(): string | undefined {
    return this.#seal;
  }

  /** The C2SP verifier key that checks this log's seals. */
  get vkey(): string {
    return this.#signer.vkey;
  }

  /**
   * Records an event. Resolves once it is on disk and under a signed seal on disk; before that nobody was told anything.
   *
   * The same `id` with the same content gives the same index, however often: after an error simply try again with the id.
   *
   * @throws EventError where the event is not valid (nothing is recorded then).
   * @throws LogError `ERR_LOG_QUEUE_FULL` (try again), `ERR_LOG_ID_CONFLICT`, `ERR_LOG_STORAGE_FULL`, `ERR_LOG_WRITE_FAILED`,
   * `ERR_LOG_CLOSED`.
   */
  append(event: EventInput): Promise<Acknowledgement> {
    let entry: EncodedEntry;
    try {
      entry = encodeEntry(event, this.#encode);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.#closing !== undefined) return Promise.reject(closed());
    return this.#recorder.submit(entry);
  }

  /**
   * Records several events, in order. Either all of them are valid or none is recorded. Up to 4,096 of them, and two million
   * characters, are on the record together or not at all; more go in several pieces. An id that is taken by another event refuses
   * its own event only; the error then speaks for one of several, and the same call again tells where the others are.
   */
  appendAll(events: readonly EventInput[]): Promise<Acknowledgement[]> {
    let entries: EncodedEntry[];
    try {
      entries = events.map((event) => encodeEntry(event, this.#encode));
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.#closing !== undefined) return Promise.reject(closed());
    return this.#recorder.submitAll(entries);
  }

  /** Waits until the entry is sealed, then proves it: entry, inclusion proof and seal, checked before they are returned. */
  async receipt(index: number): Promise<Receipt> {
    if (!Number.isSafeInteger(index) || index < 0) throw new LogError('ERR_LOG_ENTRY_NOT_FOUND', `${index} is not an index`);
    if (index >= this.#sealedSize) {
      if (this.#closing !== undefined) throw closed();
      await new Promise<void>((resolve, reject) => {
        this.#sealWaiters.push({ size: index + 1, resolve, reject });
      });
    }
    return this.#recorder.reader().prove(index);
  }

  /** Reads the record up to its last seal. */
  reader(): RecordReader {
    return this.#recorder.reader();
  }

  /**
   * Sealed entries in order, from an index on: up to the last seal, or with `follow` for as long as the log is open.
   * Entries that this process appends are passed on in memory; what came before is read.
   */
  follow(options: { readonly from: number; readonly follow: boolean; readonly signal?: AbortSignal }): AsyncGenerator<SealedEntry, void, undefined> {
    const listener = options.follow ? this.#feed.listen() : undefined; // before the reading: nothing falls in between
    return followRecord(this.reader(), listener, options.from, options.signal);
  }

  /** Every entry that is sealed now, from which the open sessions can be computed, and the index at which to follow on. */
  openSessions(): Promise<{ readonly entries: AsyncIterable<SealedEntry>; readonly next: number }> {
    const next = this.#sealedSize;
    return Promise.resolve({ entries: entriesBelow(next, this.reader()), next });
  }

  /**
   * Hands over to another key: an entry signed by both, sealed by the old one; everything after is signed by the new one.
   * The new key's name must be the log's origin.
   */
  rotateKey(next: Signer): Promise<Acknowledgement> {
    // One after the other: each change is signed by the key that the one before handed over to.
    const rotation = this.#rotation.then(() => this.#rotateKey(next));
    this.#rotation = rotation.catch(() => undefined);
    return rotation;
  }

  async #rotateKey(next: Signer): Promise<Acknowledgement> {
    if (parseVerifierKey(next.vkey).name !== this.#origin) {
      throw new LogError('ERR_LOG_KEY_MISMATCH', `the new key is for ${parseVerifierKey(next.vkey).name}, this is the log ${this.#origin}`);
    }
    if (next.vkey === this.#signer.vkey) throw new LogError('ERR_LOG_KEY_MISMATCH', 'the new key is the key in force');
    const timestamp = new Date().toISOString();
    const message = formatKeyChange(this.#origin, this.#signer.vkey, next.vkey, timestamp);
    const [fromSig, toSig] = [formatBase64(await signChecked(this.#signer, message)), formatBase64(await signChecked(next, message))];
    const details = { from: this.#signer.vkey, to: next.vkey, fromSig, toSig };
    const entry = encodeEntry({ event: 'key_changed', timestamp, details }, { ...this.#encode, lifecycle: true });
    const ack = await this.#recorder.submitKeyChange(entry, next);
    this.#signer = next;
    return ack;
  }

  /** Records `log_stopped`, waits for everything under way, keeps the last seal, and lets the next writer in. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#heartbeat);
    for (const signal of this.#options.closeOn ?? []) process.off(signal, this.#onSignal);
    await this.#recordLife('log_stopped', {}).catch((error: unknown) => this.#report(error));
    await this.#recorder.close();
    this.#feed.end();
    for (const waiter of this.#sealWaiters.splice(0)) waiter.reject(closed());
    await this.#pin?.close();
    await this.#deliverSeal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ---- the store

  /** Recoveries reported before there was anybody to record them. */
  readonly #leftBehind: LeftBehind[] = [];

  async #openStore(): Promise<OpenStore> {
    const context: StoreContext = {
      signer: this.#signer,
      pin: this.#seal ?? this.#pin?.read(), // what this process has seen is newer than what it noted
      onSeal: (note, treeSize) => this.#sealed(note, treeSize),
      onRecovered: (left) => {
        if (this.#recorder === undefined) this.#leftBehind.push(left);
        else this.#recordRecovery(left);
      },
      onProgress: this.#options.onProgress,
      onStopped: (error) => this.#recorder?.stop(error),
    };
    const store = await this.#options.store.open(context);
    this.#origin = store.origin;
    if (store.seal !== undefined) this.#sealed(store.seal, store.sealedSize);
    return store;
  }

  #sealed(note: string, treeSize: number): void {
    this.#seal = note;
    this.#sealedSize = treeSize;
    this.#pin?.keep(note);
    if (this.#sealWaiters.length === 0) return;
    const due = this.#sealWaiters.filter((waiter) => waiter.size <= treeSize);
    this.#sealWaiters = this.#sealWaiters.filter((waiter) => waiter.size > treeSize);
    for (const waiter of due) waiter.resolve();
  }

  // ---- the log's own life

  #recordLife(event: 'heartbeat' | 'log_started' | 'log_stopped' | 'log_recovered', details: Record<string, string | number>): Promise<Acknowledgement> {
    return this.#recorder.submit(encodeEntry({ event, details }, { ...this.#encode, lifecycle: true }));
  }

  #recordRecovery(left: LeftBehind): void {
    this.#recordLife('log_recovered', { ...left }).catch((error: unknown) => this.#report(error));
  }

  #beat(intervalMs: number): void {
    this.#beats++;
    this.#recordLife('heartbeat', { beat: this.#beats, intervalMs }).then(
      () => this.#deliverSeal(),
      (error: unknown) => this.#report(error),
    );
  }

  async #deliverSeal(): Promise<void> {
    const { seal, size } = this;
    if (seal !== undefined) await Promise.all(this.#seals.map((delivery) => delivery.deliver(seal, size)));
  }

  #report(error: unknown): void {
    if (this.#options.onError !== undefined) this.#options.onError(error);
    else process.emitWarning(error instanceof Error ? error : String(error));
  }
}

async function* entriesBelow(end: number, reader: RecordReader): AsyncGenerator<SealedEntry, void, undefined> {
  for await (const entry of reader.entries()) {
    if (entry.index >= end) return;
    yield entry;
  }
}

/** Ends the process by the signal that it was sent. */
function endProcess(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
  // Process 1 of a container goes on: without a handler the kernel keeps signals from it (pid_namespaces(7)).
  if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
}

function closed(): LogError {
  return new LogError('ERR_LOG_CLOSED', 'the log is closed or being closed: open it again to go on');
}
