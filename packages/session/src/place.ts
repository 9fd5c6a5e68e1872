/** Where an address belongs, as far as the data on this machine tells. `@indelible/geo` makes such answers. */
export interface Place {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string;
  /** The number of the autonomous system that announces the address. */
  readonly asn?: number;
  /** Who runs that autonomous system. */
  readonly organisation?: string;
  readonly city?: string;
  /** Which data said so, with the date they were built: an answer is only as good as its data were that day. */
  readonly source?: string;
}

/**
 * Looks up an address, synchronously and on this machine.
 *
 * `undefined` for what is no public address, or in no data. MUST NOT send the address anywhere.
 */
export type Locate = (ip: string) => Place | undefined;
