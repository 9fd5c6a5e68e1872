import type { OpenSession } from './request-change.ts';
import { AddressColumn } from './address-column.ts';
import { PackedKeys } from './packed-key.ts';
import { SlotIndex } from './slot-index.ts';

/** Where a session stands. */
export const FREE = 0;
export const OPEN = 1;
export const ENDED = 2;

/** Bits of `flags`. This process sees all of the session's activity: what it did not see did not happen. */
export const SEEN_FULLY = 1;
/** The end was a timeout: found later, at a moment when nothing happened. */
export const TIMED_OUT = 2;
/** Its `concurrent_warning` is on the record. */
export const WARNED = 4;

/** The place of a login that waits in a spool: behind everything. */
export const UNPLACED = 4_294_967_295;

const SMALLEST = 64;
/** Texts that many sessions share are kept once; beyond so many different ones, or so long ones, the table of them starts anew. */
const MAX_SHARED_TEXTS = 65_536;
const MAX_SHARED_CHARACTERS = 8_388_608;
/** More apps in one record than that are not told apart. */
const MAX_APPS = 1000;

/**
 * Sessions in columns: about 200 bytes a session where objects and maps take 700, so that a million of them are nothing to
 * worry about. A session is a slot, a number; a slot that was released is used again.
 */
export class SessionTable {
  readonly #sessionIds = new PackedKeys('uuid');
  readonly #sidHashes = new PackedKeys('sidHash');
  readonly #eventIds = new PackedKeys('uuid');
  readonly #bySessionId = new SlotIndex((slot) => this.#sessionIds.hashOf(slot));
  readonly #bySidHash = new SlotIndex((slot) => this.#sidHashes.hashOf(slot));
  readonly #shared = new Map<string, string>();
  #sharedCharacters = 0;
  #capacity = 0;
  #used = 0;
  #released: number[] = [];

  /** FREE, OPEN or ENDED, by slot. */
  state: Uint8Array = new Uint8Array(0);
  /** SEEN_FULLY, TIMED_OUT, WARNED, by slot. */
  flags: Uint8Array = new Uint8Array(0);
  /** The number of the user, by slot. */
  user: Int32Array = new Int32Array(0);
  /** The next and the one before among the user's open sessions, or -1. */
  nextOfUser: Int32Array = new Int32Array(0);
  previousOfUser: Int32Array = new Int32Array(0);
  /** Unix milliseconds, by slot; NaN where there is none. */
  openedMs: Float64Array = new Float64Array(0);
  /** When the session was used last or, once it has ended, when that was. */
  seenMs: Float64Array = new Float64Array(0);
  idleMs: Float64Array = new Float64Array(0);
  absoluteMs: Float64Array = new Float64Array(0);
  /** The idle deadline by use that is not on the record yet; NaN where there is none. */
  aliveMs: Float64Array = new Float64Array(0);
  /** The place of the login on the record; UNPLACED until it is known. */
  place: Uint32Array = new Uint32Array(0);
  /** The number of the network of the login; NaN where it is unknown. */
  network: Float64Array = new Float64Array(0);
  /** The address and the client that the session was used from last, as far as another network or device goes. */
  readonly ip: AddressColumn = new AddressColumn();
  readonly userAgent: (string | undefined)[] = [];
  /** The number of the app that the session belongs to; 0 for none. */
  #app: Uint16Array = new Uint16Array(0);
  readonly #apps: string[] = [];

  /** How many slots there may be before the columns grow. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Takes a slot for a session; its columns are the caller's to fill. */
  add(sessionId: string, eventId: string): number {
    const slot = this.#released.pop() ?? this.#used++;
    if (slot >= this.#capacity) this.#grow();
    this.#sessionIds.set(slot, sessionId);
    this.#sidHashes.set(slot, '');
    this.#eventIds.set(slot, eventId);
    this.#bySessionId.add(slot);
    return slot;
  }

  /** Gives a slot back. */
  release(slot: number): void {
    this.#bySessionId.remove(slot);
    this.setSidHash(slot, '');
    this.state[slot] = FREE;
    this.ip.set(slot, undefined);
    this.userAgent[slot] = undefined;
    this.#released.push(slot);
  }

  /** The slot of a session, or -1. */
  findSession(sessionId: string): number {
    return this.#bySessionId.find(this.#sessionIds.hash(sessionId), (slot) => this.#sessionIds.is(slot, sessionId));
  }

  /** The slot of the session that has, or had last, the framework's id of this keyed hash; or -1. */
  findSid(sidHash: string): number {
    return this.#bySidHash.find(this.#sidHashes.hash(sidHash), (slot) => this.#sidHashes.is(slot, sidHash));
  }

  /** Sets the keyed hash of a session; who had it before has it no longer. */
  setSidHash(slot: number, sidHash: string): void {
    if (sidHash !== '') {
      const holder = this.findSid(sidHash);
      if (holder === slot) return;
      if (holder >= 0) this.setSidHash(holder, '');
    }
    if (this.#sidHashes.has(slot)) this.#bySidHash.remove(slot);
    this.#sidHashes.set(slot, sidHash);
    if (sidHash !== '') this.#bySidHash.add(slot);
  }

  /** The app that the session belongs to. */
  app(slot: number): string | undefined {
    return this.#apps[this.#app[slot]! - 1];
  }

  setApp(slot: number, app: string | undefined): void {
    let number = app === undefined ? 0 : this.#apps.indexOf(app) + 1;
    if (app !== undefined && number === 0 && this.#apps.length < MAX_APPS) number = this.#apps.push(app);
    this.#app[slot] = number;
  }

  sessionId(slot: number): string {
    return this.#sessionIds.get(slot);
  }

  sidHash(slot: number): string | undefined {
    const hash = this.#sidHashes.get(slot);
    return hash === '' ? undefined : hash;
  }

  lastEventId(slot: number): string {
    return this.#eventIds.get(slot);
  }

  setLastEvent(slot: number, id: string): void {
    this.#eventIds.set(slot, id);
  }

  /** A copy of a text that others may share, so that it is kept once. */
  share(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const known = this.#shared.get(text);
    if (known !== undefined) return known;
    // A part of a text keeps all of that in memory: 16 KiB of headers for a few words of them.
    const copy = Buffer.from(text).toString();
    if (this.#shared.size >= MAX_SHARED_TEXTS || this.#sharedCharacters + copy.length > MAX_SHARED_CHARACTERS) {
      this.#shared.clear();
      this.#sharedCharacters = 0;
    }
    this.#sharedCharacters += copy.length;
    this.#shared.set(copy, copy);
    return copy;
  }

  /** The session as others see it. */
  describe(slot: number, userId: string, tenant: string | undefined): OpenSession {
    const [sidHash, ip, userAgent, app] = [this.sidHash(slot), this.ip.get(slot), this.userAgent[slot], this.app(slot)];
    const [idleMs, absoluteMs] = [this.idleMs[slot]!, this.absoluteMs[slot]!];
    return Object.freeze({
      sessionId: this.sessionId(slot),
      userId,
      ...(sidHash === undefined ? {} : { sidHash }),
      openedMs: this.openedMs[slot]!,
      lastEventId: this.lastEventId(slot),
      lastSeenMs: this.seenMs[slot]!,
      ...(Number.isNaN(idleMs) ? {} : { idleDeadlineMs: idleMs }),
      ...(Number.isNaN(absoluteMs) ? {} : { absoluteDeadlineMs: absoluteMs }),
      ...(ip === undefined ? {} : { ip }),
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(app === undefined ? {} : { app }),
      ...(tenant === undefined ? {} : { tenant }),
    });
  }

  #grow(): void {
    const count = Math.max(SMALLEST, this.#capacity + Math.min(this.#capacity, 262_144));
    // One piece of memory for all columns: large enough to be given back whole when the next one takes its place.
    const room = new Room(count);
    this.#sessionIds.move(room.bytes(16));
    this.#eventIds.move(room.bytes(16));
    this.#sidHashes.move(room.bytes(32));
    this.openedMs = room.keep(this.openedMs, room.doubles());
    this.seenMs = room.keep(this.seenMs, room.doubles());
    this.idleMs = room.keep(this.idleMs, room.doubles());
    this.absoluteMs = room.keep(this.absoluteMs, room.doubles());
    this.aliveMs = room.keep(this.aliveMs, room.doubles());
    this.network = room.keep(this.network, room.doubles());
    this.ip.move(new Uint32Array(room.take(4), room.last, count));
    this.place = room.keep(this.place, new Uint32Array(room.take(4), room.last, count));
    this.user = room.keep(this.user, room.integers());
    this.nextOfUser = room.keep(this.nextOfUser, room.integers());
    this.previousOfUser = room.keep(this.previousOfUser, room.integers());
    this.#app = room.keep(this.#app, new Uint16Array(room.take(2), room.last, count));
    this.state = room.keep(this.state, room.bytes(1));
    this.flags = room.keep(this.flags, room.bytes(1));
    this.#capacity = count;
  }
}

/** When a session ends by its deadlines: the earlier of the two, or Infinity. */
export function endMs(slot: number, table: SessionTable): number {
  const idle = table.idleMs[slot]!;
  const absolute = table.absoluteMs[slot]!;
  return Math.min(Number.isNaN(idle) ? Number.POSITIVE_INFINITY : idle, Number.isNaN(absolute) ? Number.POSITIVE_INFINITY : absolute);
}

/** Bytes of a slot in all columns: three keys, six doubles, five integers, and four bytes more. */
const SLOT_BYTES = 64 + 6 * 8 + 5 * 4 + 2 + 2;

/** Memory that columns are cut from, the ones with the largest members first. */
class Room {
  readonly #buffer: ArrayBuffer;
  readonly #count: number;
  #used = 0;
  /** Where the piece begins that was taken last. */
  last = 0;

  constructor(count: number) {
    this.#buffer = new ArrayBuffer(count * SLOT_BYTES);
    this.#count = count;
  }

  take(bytesPerSlot: number): ArrayBuffer {
    this.last = this.#used;
    this.#used += bytesPerSlot * this.#count;
    return this.#buffer;
  }

  bytes(perSlot: number): Uint8Array {
    return new Uint8Array(this.take(perSlot), this.last, this.#count * perSlot);
  }

  doubles(): Float64Array {
    return new Float64Array(this.take(8), this.last, this.#count);
  }

  integers(): Int32Array {
    return new Int32Array(this.take(4), this.last, this.#count);
  }

  keep<T extends { set(from: T): void }>(from: T, to: T): T {
    to.set(from);
    return to;
  }
}
