import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, fileStore, memoryStore, openLog, type Log, type LogOptions, type Signer } from '@indelible/log';
import { testSigner } from './events.ts';
import { memoryFiles } from './memory-record.ts';
import { directoryFiles, type OracleResult } from './record-oracle.ts';
import { expectSound, expectSoundDirectory } from './sound.ts';

/** A record in some store, as a test sees it. */
export interface StorePlace {
  readonly signer: Signer;
  /** A file for a pin, outside the record. */
  readonly pin: string;
  /** Opens the log as a new process would. Without heartbeats unless asked for. */
  open(options?: Partial<LogOptions>): Promise<Log>;
  /** Expects the record to be sound, as the specification's reader and the verifier see it. */
  check(): Promise<OracleResult>;
  /** Adds bytes to the last segment, behind the writer's back. */
  addForeign(bytes: string): Promise<void>;
  /** Remembers the record as it is now; the result brings it back. */
  snapshot(): Promise<() => void>;
  removeCache(): void;
}

/** Makes an empty log. */
export type MakePlace = (options?: { readonly segmentBytes?: number }) => Promise<StorePlace>;

const lastSegment = (names: readonly string[]): string => names.filter((name) => name.endsWith('.ndjson')).sort().at(-1)!;
const openWith = (options: LogOptions): Promise<Log> => openLog({ heartbeatMs: 0, app: 'suite', onError: () => undefined, ...options });

/** Places in memory; `root` is for the pins. */
export function memoryPlaces(root: string): MakePlace {
  return async ({ segmentBytes } = {}) => {
    const signer = testSigner();
    const options = segmentBytes === undefined ? {} : { segmentBytes };
    let store = memoryStore(options);
    const { disk } = store;
    await (await openWith({ store, signer })).close(); // makes the record
    return {
      signer,
      pin: join(mkdtempSync(join(root, 'memory-')), 'log.key.pin'),
      open: (more) => openWith({ store, signer, ...more }),
      check: async () => expectSound(await memoryFiles(disk), signer.vkey),
      addForeign: async (bytes) => {
        const file = await disk.append(lastSegment(await disk.list()));
        file.write([Buffer.from(bytes)]);
      },
      snapshot: async () => {
        const names = await disk.list();
        const kept = names.map((name) => [name, disk.get(name)!] as const);
        return () => {
          for (const [name, bytes] of kept) disk.put(name, bytes);
        };
      },
      removeCache: () => {
        store = memoryStore({ ...options, disk });
      },
    };
  };
}

/** Places in directories below `root`. */
export function filePlaces(root: string): MakePlace {
  return async ({ segmentBytes } = {}) => {
    const signer = testSigner();
    const folder = mkdtempSync(join(root, 'file-'));
    const directory = join(folder, 'record');
    await createLog(directory, { signer });
    const open: StorePlace['open'] = (options) => openWith({ store: fileStore(directory, segmentBytes === undefined ? {} : { segmentBytes }), signer, ...options });
    await (await open()).close();
    return {
      signer,
      pin: join(folder, 'log.key.pin'),
      open,
      check: () => expectSoundDirectory(directory, signer.vkey),
      addForeign: (bytes) => {
        appendFileSync(join(directory, lastSegment(directoryFiles(directory).names())), bytes);
        return Promise.resolve();
      },
      snapshot: () => {
        const copy = mkdtempSync(join(folder, 'copy-'));
        cpSync(directory, copy, { recursive: true });
        return Promise.resolve(() => {
          rmSync(directory, { recursive: true });
          cpSync(copy, directory, { recursive: true });
          writeFileSync(join(directory, 'log.json'), readFileSync(join(copy, 'log.json')));
        });
      },
      removeCache: () => rmSync(join(directory, 'cache'), { recursive: true }),
    };
  };
}
