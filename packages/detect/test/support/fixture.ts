import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { detect, type DetectConfig, type DetectReport, type EventName } from '@indelible/detect';

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** What a fixture, or a mutant of it, must give. */
export interface Expectation {
  readonly result: DetectReport['result'];
  readonly required?: string;
  readonly all?: string;
  readonly storageClass?: DetectReport['storageClass'];
  readonly confidence?: DetectReport['confidence'];
  /** A part of the detail. */
  readonly detail?: string;
  readonly events?: Partial<Record<EventName, string>>;
}

/** A small codebase in one text, with its expected verdict beside it. */
export interface Fixture extends Expectation {
  readonly name: string;
  readonly why: string;
  readonly files: ReadonlyMap<string, string>;
  readonly options?: { readonly noSkip?: boolean; readonly assumeCompliance?: boolean };
  readonly config?: DetectConfig;
  readonly mutants?: readonly { readonly name: string; readonly file: string; readonly find: string; readonly replace: string; readonly expect: Expectation }[];
}

export function readFixtures(): Fixture[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith('.json')).sort().map((name) => {
    const expected = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Omit<Fixture, 'name' | 'files'>;
    return { ...expected, name: name.slice(0, -5), files: parseFiles(readFileSync(join(FOLDER, name.replace(/json$/, 'txt')), 'utf8')) };
  });
}

function parseFiles(text: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const parts = text.split(/^--- (\S+)\n/m);
  for (let i = 1; i < parts.length; i += 2) files.set(parts[i]!, parts[i + 1]!);
  return files;
}

/** Writes files into a folder of their own, runs `use` on it, and takes it away. */
export function withFiles<Result>(files: ReadonlyMap<string, string | Uint8Array>, use: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-detect-'));
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function examine(fixture: Fixture, files: ReadonlyMap<string, string> = fixture.files): DetectReport {
  return withFiles(files, (folder) => detect(folder, { ...fixture.options, ...(fixture.config === undefined ? {} : { config: fixture.config }) }));
}

/** What of the report an expectation speaks of. */
export function shown(report: DetectReport, expected: Expectation): Expectation {
  return {
    result: report.result,
    ...(expected.required === undefined ? {} : { required: report.ratio.required }),
    ...(expected.all === undefined ? {} : { all: report.ratio.all }),
    ...(expected.storageClass === undefined ? {} : { storageClass: report.storageClass }),
    ...(expected.confidence === undefined ? {} : { confidence: report.confidence }),
    ...(expected.detail === undefined ? {} : { detail: report.detail.includes(expected.detail) ? expected.detail : report.detail }),
    ...(expected.events === undefined ? {} : { events: Object.fromEntries(Object.keys(expected.events).map((event) => [event, report.events[event as EventName].status])) }),
  };
}

/** An expectation without what describes the fixture. */
export function wanted(expected: Expectation): Expectation {
  const { result, required, all, storageClass, confidence, detail, events } = expected;
  return Object.fromEntries(Object.entries({ result, required, all, storageClass, confidence, detail, events }).filter(([, value]) => value !== undefined)) as unknown as Expectation;
}
