import type { FixtureKey, RecordWriter } from './record-writer.mjs';

export const ORIGIN: string;
export const SIZE: number;
export const KEY: FixtureKey;
export const NEXT_KEY: FixtureKey;
export const ATTACKER: FixtureKey;
export const ATTACKER_NEXT: FixtureKey;
export function writeVictim(directory: string, options?: { readonly key?: FixtureKey; readonly nextKey?: FixtureKey; readonly user?: string }): RecordWriter;

/** A copy of a log that is about to be tampered with. */
export class Copy {
  readonly directory: string;
  readonly files: string[];
  constructor(original: string, directory: string);
  path(segment: number | string): string;
  read(segment: number | string): Buffer;
  write(segment: number | string, bytes: string | Uint8Array): void;
  remove(segment: number | string): void;
  exists(segment: number | string): boolean;
  lines(segment: number | string, change: (lines: string[]) => string[]): void;
  line(segment: number | string, number: number, change: (line: string) => string): void;
  replace(segment: number | string, number: number, from: string | RegExp, to: string | ((...groups: string[]) => string)): void;
  append(segment: number | string, bytes: string | Uint8Array): void;
  truncate(segment: number | string, length: number): void;
}
