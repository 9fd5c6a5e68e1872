import { formatTime } from '@indelible/event';
import { deviceFamily } from '../device-family.ts';
import { formatNetwork, networkKey } from '../network-prefix.ts';
import type { Locate, Place } from '../place.ts';
import type { Change } from './change.ts';
import { endMs, type SessionTable, WARNED } from './session-table.ts';
import { type Baseline, UserHistory } from './user-history.ts';
import type { Users } from './users.ts';

/** In what a login can differ from the sessions that are open besides it. */
export type Difference = 'network' | 'country' | 'device' | 'asn' | 'city';

/** The `details` of a `concurrent_warning`. */
export interface ConcurrencyDetails {
  /** The user's other open sessions, the newest first, at most 20 of them. */
  readonly others: readonly OtherSession[];
  /** How many sessions of the user are open, this one included. */
  readonly count: number;
  /** In what this login differs from at least one of the others. */
  readonly differs: readonly Difference[];
  /** Whether the user's own history says that this login is none of their usual ones. */
  readonly unusual: boolean;
  /** Why it is unusual, in words. */
  readonly because: readonly string[];
  /** What is usual for the user. */
  readonly baseline: Baseline;
  /** The data that named countries and systems. */
  readonly source?: string;
}

/** A session that is open besides. */
export interface OtherSession {
  readonly sessionId: string;
  readonly since: string;
  readonly ip?: string;
  readonly network?: string;
  readonly country?: string;
  readonly device?: string;
}

/** A warning that is not on the record yet. */
export interface DueWarning {
  readonly reason: string;
  readonly details: ConcurrencyDetails;
}

/** The sessions among which a login is one more. */
interface OpenSessions {
  readonly table: SessionTable;
  readonly users: Users;
  openOf(user: number): Iterable<number>;
}

/** Where a login came from, as far as that can be compared. */
interface Traits {
  readonly network: number | undefined;
  readonly device: string | undefined;
  readonly place: Place | undefined;
}

/** What the user's history says of a login. */
interface Assessment {
  readonly because: readonly string[];
  readonly baseline: Baseline;
}

const MAX_OTHERS = 20;
const DAY_MS = 86_400_000;

/**
 * Finds out which logins opened a session while others of the same user were open, and what is unusual about them.
 *
 * By the record's order and the record's deadlines alone: whoever reads the same entries comes to the same warnings.
 */
export class Concurrency {
  readonly #state: OpenSessions;
  readonly #warnFrom: number;
  readonly #windowMs: number;
  readonly #locate: Locate | undefined;
  readonly #history: UserHistory;
  readonly #devices = new Map<string, number>();
  readonly #due = new Map<number, DueWarning>();
  /** What was usual when a login was acknowledged that may yet turn out to be the later of two. */
  readonly #fresh = new Map<number, Assessment>();

  constructor(state: OpenSessions, options: { readonly warnFrom: number; readonly historyMs: number; readonly locate?: Locate | undefined }) {
    this.#state = state;
    this.#warnFrom = options.warnFrom;
    this.#windowMs = options.historyMs;
    this.#locate = options.locate;
    this.#history = new UserHistory(options.historyMs);
  }

  /** The warning that a session's login still has to get. */
  due(slot: number): DueWarning | undefined {
    return this.#due.get(slot);
  }

  /** All sessions whose login still has to get a warning. */
  dueSlots(): number[] {
    return [...this.#due.keys()];
  }

  /** A session was opened. `ahead`: by this process, before what others recorded earlier was read. */
  opened(slot: number, change: Change, ahead: boolean): void {
    const { table, users } = this.#state;
    const user = table.user[slot]!;
    const traits = this.#traits(change.ip, change.userAgent);
    const place = table.place[slot]!;
    let later: number[] | undefined;
    if (users.openCount(user) > 1) {
      const earlier: number[] = [];
      for (const other of this.#othersAt(slot)) {
        if (table.place[other]! < place) earlier.push(other);
        else (later ??= []).push(other);
      }
      if (earlier.length + 1 >= this.#warnFrom) this.#due.set(slot, this.#warning(earlier, traits, this.#assess(user, traits, change.timeMs)));
    }
    if (ahead) this.#fresh.set(slot, this.#assess(user, traits, change.timeMs));
    for (const other of later ?? []) this.#reconsider(other);
    this.#remember(user, traits, change.timeMs);
  }

  /** Everything that stands before this login on the record has been read. */
  settled(slot: number): void {
    this.#fresh.delete(slot);
  }

  /** The warning is on the record. */
  warned(slot: number): void {
    const { flags } = this.#state.table;
    this.#due.delete(slot);
    flags[slot] = flags[slot]! | WARNED;
  }

  /** The warning would be about sessions that ended long ago. */
  dismiss(slot: number): void {
    this.#due.delete(slot);
  }

  /** The slot will be used for another session. */
  forget(slot: number): void {
    this.#due.delete(slot);
    this.#fresh.delete(slot);
  }

  /** A login turned out to be the later one of two. */
  #reconsider(slot: number): void {
    const { table } = this.#state;
    if ((table.flags[slot]! & WARNED) !== 0) return;
    const earlier = this.#othersAt(slot).filter((other) => table.place[other]! < table.place[slot]!);
    if (earlier.length + 1 < this.#warnFrom) return;
    const traits = this.#traits(table.ip.get(slot), table.userAgent[slot]);
    const assessment = this.#fresh.get(slot) ?? this.#assess(table.user[slot]!, traits, table.openedMs[slot]!);
    this.#due.set(slot, this.#warning(earlier, traits, assessment));
  }

  /** The user's other sessions that were open, by their deadlines, when this one was opened. */
  #othersAt(slot: number): number[] {
    const { table } = this.#state;
    const others: number[] = [];
    for (const other of this.#state.openOf(table.user[slot]!)) {
      if (other !== slot && endMs(other, table) > table.openedMs[slot]!) others.push(other);
    }
    return others;
  }

  #traits(ip: string | undefined, userAgent: string | undefined): Traits {
    return {
      network: ip === undefined ? undefined : networkKey(ip),
      device: userAgent === undefined ? undefined : deviceFamily(userAgent),
      place: ip === undefined ? undefined : this.#locate?.(ip),
    };
  }

  #assess(user: number, traits: Traits, timeMs: number): Assessment {
    const baseline = this.#history.baseline(user, timeMs);
    const because: string[] = [];
    if (baseline.logins === 0) return { because, baseline };
    const windowDays = Math.round(this.#windowMs / DAY_MS);
    const onRecord = baseline.days < windowDays ? ` (${baseline.days} of them on the record)` : '';
    const first = (what: string): void => void because.push(`first login from ${what} in ${windowDays} days${onRecord}`);
    const { network, device, place } = traits;
    const isNew = (trait: 'network' | 'country' | 'device' | 'asn', value: number): boolean => this.#history.last(user, trait, value, timeMs) === undefined;
    if (network !== undefined && isNew('network', network)) first(`network ${formatNetwork(network)}`);
    if (place?.country !== undefined && isNew('country', countryNumber(place.country))) first(`country ${place.country}`);
    if (place?.asn !== undefined && isNew('asn', place.asn)) first(`AS${place.asn}${place.organisation === undefined ? '' : ` (${place.organisation})`}`);
    if (device !== undefined && isNew('device', this.#deviceNumber(device))) first(device);
    return { because, baseline };
  }

  #remember(user: number, traits: Traits, timeMs: number): void {
    const { network, device, place } = traits;
    this.#history.login(user, timeMs);
    if (network !== undefined) this.#history.add(user, 'network', network, timeMs);
    if (device !== undefined) this.#history.add(user, 'device', this.#deviceNumber(device), timeMs);
    if (place?.country !== undefined) this.#history.add(user, 'country', countryNumber(place.country), timeMs);
    if (place?.asn !== undefined) this.#history.add(user, 'asn', place.asn, timeMs);
  }

  #warning(others: readonly number[], traits: Traits, { because, baseline }: Assessment): DueWarning {
    const { table } = this.#state;
    const differs = new Set<Difference>();
    const described: OtherSession[] = [];
    for (const other of others) {
      const [ip, agent] = [table.ip.get(other), table.userAgent[other]];
      const theirs = this.#traits(ip, agent);
      for (const difference of differences(traits, theirs)) differs.add(difference);
      if (described.length === MAX_OTHERS) continue;
      described.push({
        sessionId: table.sessionId(other),
        since: formatTime(table.openedMs[other]!),
        ...(ip === undefined ? {} : { ip }),
        ...(theirs.network === undefined ? {} : { network: formatNetwork(theirs.network) }),
        ...(theirs.place?.country === undefined ? {} : { country: theirs.place.country }),
        ...(theirs.device === undefined ? {} : { device: theirs.device }),
      });
    }
    const count = others.length + 1;
    const unusual = because.length > 0;
    const differing = differs.size === 0 ? '' : `; differs in ${[...differs].join(', ')}`;
    const source = traits.place?.source;
    return {
      reason: `${count} sessions of this user are open${differing}${unusual ? `; unusual because ${because.join(', ')}` : ''}`,
      details: { others: described, count, differs: [...differs], unusual, because, baseline, ...(source === undefined ? {} : { source }) },
    };
  }

  #deviceNumber(device: string): number {
    let number = this.#devices.get(device);
    if (number === undefined) {
      number = this.#devices.size;
      this.#devices.set(device, number);
    }
    return number;
  }
}

/** Unknown differs from nothing. */
function differences(a: Traits, b: Traits): Difference[] {
  const unlike = (x: unknown, y: unknown): boolean => x !== undefined && y !== undefined && x !== y;
  const found: Difference[] = [];
  if (unlike(a.network, b.network)) found.push('network');
  if (unlike(a.place?.country, b.place?.country)) found.push('country');
  if (unlike(a.device, b.device)) found.push('device');
  if (unlike(a.place?.asn, b.place?.asn)) found.push('asn');
  if (unlike(a.place?.city, b.place?.city)) found.push('city');
  return found;
}

/** A country code as a number. */
function countryNumber(code: string): number {
  return code.charCodeAt(0) * 65_536 + (code.length > 1 ? code.charCodeAt(1) : 0);
}
