import { fileURLToPath } from 'node:url';
import { publicAddress, type AddressWords } from './address.ts';
import { GeoError } from './error.ts';
import { openMmdb } from './mmdb.ts';
import type { MmdbValue } from './mmdb-value.ts';
import { readAsn, readCity, readCountry, type Place, type PlaceFields } from './place.ts';

/** Which data to look addresses up in: paths of MMDB files. */
export interface GeoOptions {
  /** Countries. Default: the data of `@ip-location-db/geo-whois-asn-country-mmdb`, unless `city` names the country; `false`: none. */
  readonly country?: string | false | undefined;
  /** Autonomous systems, such as `GeoLite2-ASN.mmdb`. Default: none. */
  readonly asn?: string | undefined;
  /** Cities, such as `GeoLite2-City.mmdb`; where it names a country too, it goes before the default data. Default: none. */
  readonly city?: string | undefined;
}

/**
 * Looks up an address, synchronously, in the data that was opened; `undefined` for what is no public address or in none of it.
 *
 * Never throws, for no text. A record that is damaged counts as one that is not there.
 */
export type Locate = (ip: string) => Place | undefined;

/** One data set, ready to be asked. */
type Layer = (address: AddressWords) => { readonly fields: PlaceFields; readonly source: string } | undefined;

const DEFAULT_DATA = '@ip-location-db/geo-whois-asn-country-mmdb';

/** So many different records of a file are kept decoded; a file of countries has 250. */
const MAX_KEPT_RECORDS = 4_096;

/**
 * Opens data about addresses: the country by default, autonomous system and city from files of your own.
 *
 * Nothing about an address leaves this machine: the files are read once, here, and lookups read memory. Costs the size of the
 * files in memory (8 MB for the default data) and some milliseconds; a lookup takes about a microsecond. Open again to take up
 * a newer file.
 *
 * @throws GeoError `ERR_GEO_DATA_NOT_INSTALLED` where the default data are needed and not there; `ERR_GEO_FILE_UNREADABLE`,
 * `ERR_GEO_FILE_DAMAGED`, `ERR_GEO_FILE_UNSUPPORTED` for a file; `ERR_GEO_OPTION_INVALID` for what is not a path.
 */
export function openGeo(options: GeoOptions = {}): Locate {
  const { country, asn, city } = options;
  for (const [name, path] of Object.entries({ country, asn, city })) {
    const isNone = path === undefined || (name === 'country' && path === false);
    if (!isNone && (typeof path !== 'string' || path === '')) {
      throw new GeoError('ERR_GEO_OPTION_INVALID', `openGeo needs the path of an MMDB file as ${name}, got ${typeof path === 'string' ? 'an empty text' : typeof path}`);
    }
  }
  // What comes first wins: the user's own files before the default data.
  const layers: Layer[] = [];
  if (typeof country === 'string') layers.push(layer(country, readCountry));
  if (city !== undefined) layers.push(layer(city, readCity));
  if (asn !== undefined) layers.push(layer(asn, readAsn));
  if (country === undefined) layers.push(layer(defaultPath(), readCountry));
  return (ip) => {
    const address = typeof ip === 'string' ? publicAddress(ip) : undefined;
    return address === undefined ? undefined : combine(layers, address);
  };
}

function combine(layers: readonly Layer[], address: AddressWords): Place | undefined {
  let place: Place | undefined;
  for (const ask of layers) {
    const answer = ask(address);
    if (answer === undefined) continue;
    const adds = place === undefined || Object.keys(answer.fields).some((key) => !(key in (place as Place)));
    if (!adds) continue;
    const source = place?.source === undefined ? answer.source : `${place.source}; ${answer.source}`;
    place = { ...answer.fields, ...place, source };
  }
  return place;
}

function layer(path: string, read: (record: MmdbValue) => PlaceFields): Layer {
  const database = openMmdb(path);
  const kept = new Map<number, ReturnType<Layer>>();
  return (address) => {
    const record = database.find(address);
    if (record === undefined) return undefined;
    if (kept.has(record)) return kept.get(record);
    const fields = read(database.read(record));
    const answer = Object.keys(fields).length === 0 ? undefined : { fields, source: database.source };
    if (kept.size >= MAX_KEPT_RECORDS) kept.clear();
    kept.set(record, answer);
    return answer;
  };
}

function defaultPath(): string {
  try {
    return fileURLToPath(import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'));
  } catch (error) {
    throw new GeoError('ERR_GEO_DATA_NOT_INSTALLED',
      `openGeo finds no data about countries: run npm install ${DEFAULT_DATA}, or give country: the path of an MMDB file, or false`, { cause: error });
  }
}
