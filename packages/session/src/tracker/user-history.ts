/** What a login can have in common with an earlier one. */
export type Trait = 'network' | 'country' | 'device' | 'asn';

const TRAITS: readonly Trait[] = ['network', 'country', 'device', 'asn'];
/** A user's traits that are remembered; beyond that the oldest makes room. */
const MAX_PER_USER = 64;
const SMALLEST = 64;

/** A user's logins of the last while, in numbers. */
export interface Baseline {
  readonly logins: number;
  readonly networks: number;
  readonly countries: number;
  readonly devices: number;
  /** Since when, in whole days, at most as far back as anybody looks. */
  readonly days: number;
}

/**
 * Where each user's logins came from, and when last: what is usual for them. In columns, 16 bytes a trait.
 *
 * Users are the numbers that `Users` gives; traits are numbers below 2^50.
 */
export class UserHistory {
  readonly #windowMs: number;
  #firstOfUser: Int32Array = new Int32Array(SMALLEST).fill(-1);
  #logins: Int32Array = new Int32Array(SMALLEST);
  #since: Uint32Array = new Uint32Array(SMALLEST);
  #lastLogin: Uint32Array = new Uint32Array(SMALLEST);
  #values: Float64Array = new Float64Array(SMALLEST);
  #last: Uint32Array = new Uint32Array(SMALLEST);
  #next: Int32Array = new Int32Array(SMALLEST);
  #used = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** When the user last logged in with this trait within the time before `timeMs` that counts; undefined if never. */
  last(user: number, trait: Trait, value: number, timeMs: number): number | undefined {
    const wanted = packed(trait, value);
    for (let at = this.#first(user); at >= 0; at = this.#next[at]!) {
      if (this.#values[at] === wanted) return this.#isCurrent(at, timeMs) ? this.#last[at]! * 1000 : undefined;
    }
    return undefined;
  }

  /** What is usual for the user as of `timeMs`. */
  baseline(user: number, timeMs: number): Baseline {
    const counts = { network: 0, country: 0, device: 0, asn: 0 };
    for (let at = this.#first(user); at >= 0; at = this.#next[at]!) {
      if (this.#isCurrent(at, timeMs)) counts[TRAITS[this.#values[at]! % 4]!]++;
    }
    const known = user < this.#logins.length && this.#logins[user]! > 0 && timeMs - this.#lastLogin[user]! * 1000 <= this.#windowMs;
    const spanMs = known ? Math.min(this.#windowMs, Math.max(0, timeMs - this.#since[user]! * 1000)) : 0;
    return {
      logins: known ? this.#logins[user]! : 0,
      networks: counts.network,
      countries: counts.country,
      devices: counts.device,
      days: Math.ceil(spanMs / 86_400_000),
    };
  }

  /** Takes a login into account. */
  login(user: number, timeMs: number): void {
    this.#growUsers(user);
    if (this.#logins[user] === 0 || timeMs - this.#lastLogin[user]! * 1000 > this.#windowMs) {
      this.#logins[user] = 0;
      this.#since[user] = seconds(timeMs);
    }
    this.#logins[user] = this.#logins[user]! + 1;
    this.#lastLogin[user] = Math.max(this.#lastLogin[user]!, seconds(timeMs));
  }

  /** Takes a trait of a login into account. */
  add(user: number, trait: Trait, value: number, timeMs: number): void {
    this.#growUsers(user);
    const wanted = packed(trait, value);
    let count = 0;
    let oldest = -1;
    for (let at = this.#firstOfUser[user]!; at >= 0; at = this.#next[at]!) {
      count++;
      if (this.#values[at] === wanted) {
        if (seconds(timeMs) > this.#last[at]!) this.#last[at] = seconds(timeMs);
        return;
      }
      if (oldest < 0 || this.#last[at]! < this.#last[oldest]!) oldest = at;
    }
    const at = count >= MAX_PER_USER || (oldest >= 0 && !this.#isCurrent(oldest, timeMs)) ? oldest : this.#link(user);
    this.#values[at] = wanted;
    this.#last[at] = seconds(timeMs);
  }

  #first(user: number): number {
    return user >= 0 && user < this.#firstOfUser.length ? this.#firstOfUser[user]! : -1;
  }

  #isCurrent(at: number, timeMs: number): boolean {
    return timeMs - this.#last[at]! * 1000 <= this.#windowMs;
  }

  #link(user: number): number {
    if (this.#used === this.#values.length) {
      const length = this.#used + Math.min(this.#used, 1_048_576);
      this.#values = copy(this.#values, new Float64Array(length));
      this.#last = copy(this.#last, new Uint32Array(length));
      this.#next = copy(this.#next, new Int32Array(length));
    }
    const at = this.#used++;
    this.#next[at] = this.#firstOfUser[user]!;
    this.#firstOfUser[user] = at;
    return at;
  }

  #growUsers(user: number): void {
    if (user < this.#logins.length) return;
    let length = this.#logins.length;
    while (length <= user) length += Math.min(length, 1_048_576);
    this.#firstOfUser = copy(this.#firstOfUser, new Int32Array(length).fill(-1));
    this.#logins = copy(this.#logins, new Int32Array(length));
    this.#since = copy(this.#since, new Uint32Array(length));
    this.#lastLogin = copy(this.#lastLogin, new Uint32Array(length));
  }
}

/** To the second, up to the year 2106. */
function seconds(ms: number): number {
  return Math.min(Math.floor(ms / 1000), 4_294_967_295);
}

function packed(trait: Trait, value: number): number {
  return value * 4 + TRAITS.indexOf(trait);
}

function copy<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
