import { hashText, SlotIndex } from './slot-index.ts';
import { TextColumn } from './text-column.ts';

const SMALLEST = 64;
const MAX_STEP = 1_048_576;

/** The users, as numbers, each with its open sessions as a chain of slots. The same name in two tenants is two users. */
export class Users {
  readonly #ids = new TextColumn();
  readonly #tenants: string[] = [];
  readonly #tenantNumbers = new Map<string, number>();
  readonly #index = new SlotIndex((user) => this.#hash[user]!);
  #hash: Int32Array = new Int32Array(SMALLEST);
  #tenant: Int32Array = new Int32Array(SMALLEST);
  #firstSlot: Int32Array = new Int32Array(SMALLEST).fill(-1);
  #open: Int32Array = new Int32Array(SMALLEST);

  /** The number of a user, or -1. */
  find(userId: string, tenant: string | undefined): number {
    const tenantNumber = tenant === undefined ? 0 : this.#tenantNumbers.get(tenant);
    return tenantNumber === undefined ? -1 : this.#find(userId, tenantNumber);
  }

  /** The number of a user; a new one for a new user. */
  number(userId: string, tenant: string | undefined): number {
    const tenantNumber = this.#tenantNumber(tenant);
    const known = this.#find(userId, tenantNumber);
    if (known >= 0) return known;
    const number = this.#ids.size;
    this.#ids.add(userId);
    if (number >= this.#tenant.length) this.#grow();
    this.#tenant[number] = tenantNumber;
    this.#hash[number] = hashText(userId) ^ tenantNumber;
    this.#index.add(number);
    return number;
  }

  /** What the application calls the user. */
  id(user: number): string {
    return this.#ids.get(user);
  }

  /** The customer that the user belongs to. */
  tenant(user: number): string | undefined {
    return this.#tenants[this.#tenant[user]! - 1];
  }

  /** The first of the user's open sessions, or -1. */
  firstSlot(user: number): number {
    return this.#firstSlot[user]!;
  }

  setFirstSlot(user: number, slot: number): void {
    this.#firstSlot[user] = slot;
  }

  /** How many sessions of the user are open. */
  openCount(user: number): number {
    return this.#open[user]!;
  }

  addOpen(user: number, change: number): void {
    this.#open[user] = this.#open[user]! + change;
  }

  #find(userId: string, tenantNumber: number): number {
    const hash = hashText(userId) ^ tenantNumber;
    return this.#index.find(hash, (user) => this.#hash[user] === hash && this.#tenant[user] === tenantNumber && this.#ids.get(user) === userId);
  }

  /** 0 for none. */
  #tenantNumber(tenant: string | undefined): number {
    if (tenant === undefined) return 0;
    const known = this.#tenantNumbers.get(tenant);
    if (known !== undefined) return known;
    this.#tenants.push(tenant);
    this.#tenantNumbers.set(tenant, this.#tenants.length);
    return this.#tenants.length;
  }

  #grow(): void {
    const length = this.#tenant.length + Math.min(this.#tenant.length, MAX_STEP);
    const grown = (from: Int32Array, empty: number): Int32Array => {
      const to = new Int32Array(length).fill(empty);
      to.set(from);
      return to;
    };
    this.#hash = grown(this.#hash, 0);
    this.#tenant = grown(this.#tenant, 0);
    this.#firstSlot = grown(this.#firstSlot, -1);
    this.#open = grown(this.#open, 0);
  }
}
