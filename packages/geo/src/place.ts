import type { MmdbValue } from './mmdb-value.ts';

/** Where an address belongs, as far as the data on this machine tell. */
export interface Place {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string;
  /** The number of the autonomous system that announces the address. */
  readonly asn?: number;
  /** Who runs that autonomous system. */
  readonly organisation?: string;
  readonly city?: string;
  /** Which data said so, with the dates they were built, separated by `; `. */
  readonly source?: string;
}

/** The part of a place that one record can give. */
export type PlaceFields = Omit<Place, 'source'>;

/** What is longer is cut: these texts go onto a record, and a file may say anything. */
const MAX_NAME_CHARACTERS = 100;

/** The country of a record, in the layouts of MaxMind, DB-IP, IPinfo and ip-location-db. */
export function readCountry(record: MmdbValue): PlaceFields {
  const code = at(record, 'country', 'iso_code') ?? at(record, 'country_code') ?? at(record, 'country');
  return typeof code === 'string' && /^[A-Za-z]{2}$/.test(code) ? { country: code.toUpperCase() } : {};
}

/** The autonomous system of a record. */
export function readAsn(record: MmdbValue): PlaceFields {
  const given = at(record, 'autonomous_system_number') ?? at(record, 'asn');
  const digits = typeof given === 'string' ? /^(?:AS)?([0-9]{1,10})$/.exec(given)?.[1] : undefined;
  const asn = digits === undefined ? given : Number(digits);
  if (typeof asn !== 'number' || !Number.isInteger(asn) || asn < 1 || asn > 4_294_967_295) return {};
  const organisation = name(at(record, 'autonomous_system_organization') ?? at(record, 'as_name') ?? at(record, 'name'));
  return organisation === undefined ? { asn } : { asn, organisation };
}

/** The city of a record, by its English name where it has several, and the country that the same record names. */
export function readCity(record: MmdbValue): PlaceFields {
  const city = name(at(record, 'city', 'names', 'en') ?? at(record, 'city'));
  return city === undefined ? readCountry(record) : { ...readCountry(record), city };
}

function at(value: MmdbValue, ...path: readonly string[]): MmdbValue {
  let found = value;
  for (const key of path) found = found instanceof Map ? (found as ReadonlyMap<string, MmdbValue>).get(key) : undefined;
  return found;
}

/** A text fit for a record: no control characters, no blanks around it, not empty, not endless. */
function name(value: MmdbValue): string | undefined {
  if (typeof value !== 'string') return undefined;
  const clean = value.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean === '' ? undefined : Array.from(clean).slice(0, MAX_NAME_CHARACTERS).join('');
}
