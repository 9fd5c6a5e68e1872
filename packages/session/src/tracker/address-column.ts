import { ipv4Number } from '../network-prefix.ts';

/** What a slot holds whose address is kept as text, or that has none: 255.255.255.254 and 255.255.255.255 are nobody's. */
const AS_TEXT = 4_294_967_294;
const NONE = 4_294_967_295;

/** A column of addresses: IPv4 as numbers, of which there are millions; anything else as text. */
export class AddressColumn {
  #numbers: Uint32Array = new Uint32Array(0);
  readonly #texts = new Map<number, string>();

  /** Moves to where there is room for more. */
  move(to: Uint32Array): void {
    to.fill(NONE, this.#numbers.length);
    to.set(this.#numbers);
    this.#numbers = to;
  }

  set(slot: number, address: string | undefined): void {
    if (this.#numbers[slot] === AS_TEXT) this.#texts.delete(slot);
    const number = address === undefined ? NONE : numberOf(address);
    this.#numbers[slot] = number;
    if (number === AS_TEXT) this.#texts.set(slot, address!);
  }

  get(slot: number): string | undefined {
    const number = this.#numbers[slot]!;
    if (number === NONE) return undefined;
    if (number === AS_TEXT) return this.#texts.get(slot);
    return `${Math.floor(number / 16_777_216)}.${Math.floor(number / 65_536) % 256}.${Math.floor(number / 256) % 256}.${number % 256}`;
  }

  /** Whether the slot holds this very address. */
  is(slot: number, address: string): boolean {
    const number = this.#numbers[slot]!;
    return number === AS_TEXT ? this.#texts.get(slot) === address : number === numberOf(address);
  }
}

function numberOf(address: string): number {
  const number = ipv4Number(address);
  return number < 0 || number > AS_TEXT ? AS_TEXT : number;
}
