import { encodeEvent } from '@indelible/event';
import { Cache } from '../../dist/cache/cache.js';
import { MemoryCacheFiles } from '../../dist/cache/cache-files.js';
import { encodeBatch } from '../../dist/commit/batch.js';
import { Committer } from '../../dist/commit/committer.js';
import { MemoryDisk, type DiskFault } from '../../dist/disk/memory-disk.js';
import { createRecord } from '../../dist/record/create-record.js';
import { formatKeyChange } from '../../dist/recover/key-change.js';
import { LogError, type Signer } from '@indelible/log';
import { testEvent, testId, testSigner } from './events.ts';
import { MortalDisk, memoryFiles } from './memory-record.ts';
import { seededRandom, type Random } from './random.ts';
import { readRecord } from './record-oracle.ts';
import { SignatureBook } from './signature-book.ts';

/** What happened in a run. */
export interface ModelRun {
  readonly acknowledged: number;
  readonly crashes: number;
  readonly faults: number;
  readonly foreign: number;
  readonly handOvers: number;
  /** Sizes signed twice with different roots, where the first signature was never given out. */
  readonly abandoned: number;
  /** Openings that were refused, and lawfully so. */
  readonly refusals: number;
}

const line = (n: number): string => encodeEvent(testEvent(n), { nowMs: Date.UTC(2025, 0, 1) + n, defaults: { app: 'model', instance: 'model-1' } });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lives one log through a random number of processes and checks after each what must hold. */
export async function runModel(seed: number): Promise<ModelRun> {
  const model = new Model(seededRandom(seed), process.env['TRACE'] === '1');
  await model.begin();
  for (let process = 0; process < 6; process++) await model.liveOnce();
  await model.retryEverything();
  return model.run();
}

class Model {
  readonly #random: Random;
  readonly #trace: boolean;
  readonly #disk = new MemoryDisk();
  readonly #cacheFiles = new MemoryCacheFiles();
  readonly #book = new SignatureBook();
  readonly #segmentBytes: number;
  /** Every batch ever submitted, as numbers of events. */
  readonly #batches: number[][] = [];
  readonly #acknowledged = new Map<number, number>();
  #nextEvent = 0;
  #signer: Signer = testSigner();
  readonly #genesis = this.#signer.vkey;
  #armed: { left: number; kind: DiskFault; sticky: boolean } | undefined;
  /** Keys that the log was asked to be handed over to. */
  readonly #candidates: Signer[] = [];
  #crashes = 0;
  #faults = 0;
  /** Openlog lets one change of key wait for the one before. */
  #handingOver = false;
  #foreign = 0;
  #handOvers = 0;
  #refusals = 0;
  /**
   * A sync has failed, and a later one on the same file would lie. A process that is killed just then cannot tell the next one:
   * so such a disk takes the machine along with it (known limit, see recover.ts).
   */
  #lies = false;
  /**
   * The sync of a new segment's header has failed, or the one of what an opening found. When the power fails then, the segment
   * behind it follows one which is not there, or is shorter than it was: the record is refused (known limit). The run ends there.
   */
  #joinAtRisk = false;
  #opening = false;
  #over = false;
  /** What the store would remember of a failed sync. */
  #suspect: { segment: number; length: number } | undefined;

  constructor(random: Random, trace: boolean) {
    this.#random = random;
    this.#trace = trace;
    this.#segmentBytes = random.pick([1_500, 6_000, 1e9]);
    this.#disk.fault = (step, name) => {
      const fault = this.#decide();
      if (fault !== undefined) {
        this.#say(`fault ${step} ${name} ${fault}`);
        this.#faults++;
        if (step === 'sync' && fault === 'not applied') {
          this.#lies = true;
          this.#joinAtRisk ||= this.#opening || this.#disk.steps.filter((one) => one.step === 'write' && one.name === name).length < 2;
        }
      }
      return fault;
    };
  }

  async begin(): Promise<void> {
    await createRecord(this.#disk, this.#signer, { nowMs: Date.UTC(2025, 0, 1) });
  }

  /** One process: opens the log, appends, meets faults, and ends in one way or the other. */
  async liveOnce(): Promise<void> {
    const random = this.#random;
    if (this.#over) return;
    if (random.oneIn(6)) this.#armFault();
    const mortal = new MortalDisk(this.#disk);
    const committer = await this.#open(mortal);
    if (committer === undefined) return;
    await this.#checkRecord();
    const pending: Promise<void>[] = [];
    const actions = 4 + random.below(12);
    for (let i = 0; i < actions; i++) {
      switch (random.below(9)) {
        case 0:
        case 1:
        case 2:
        case 3:
          pending.push(this.#append(committer, this.#newBatch()));
          break;
        case 4:
          if (this.#batches.length > 0) pending.push(this.#append(committer, random.pick(this.#batches)));
          break;
        case 5:
          for (let turns = random.below(12); turns > 0; turns--) await turn();
          break;
        case 6:
          if (random.oneIn(2)) this.#armFault();
          break;
        case 7:
          if (random.oneIn(3)) await this.#addForeign();
          break;
        case 8:
          if (random.oneIn(5) && !this.#handingOver) pending.push(this.#handOver(committer));
          break;
      }
    }
    if (random.oneIn(3)) {
      await Promise.all(pending);
      this.#say('close');
      await committer.close();
    } else {
      for (let turns = random.below(20); turns > 0; turns--) await turn();
    }
    mortal.kill();
    this.#handingOver = false;
    this.#armed = undefined;
    this.#crash();
  }

  /** Opens once more and submits all there ever was: each event has one place, the acknowledged ones the place they were told. */
  async retryEverything(): Promise<void> {
    this.#armed = undefined;
    const committer = this.#over ? undefined : await this.#open(this.#disk);
    if (committer === undefined) return;
    for (const batch of this.#batches) await this.#append(committer, batch);
    await committer.close();
    await this.#checkRecord();
    for (const batch of this.#batches) {
      for (const n of batch) if (!this.#acknowledged.has(n)) throw new Error(`event ${n} was refused on a healthy disk`);
    }
  }

  run(): ModelRun {
    return {
      acknowledged: this.#acknowledged.size,
      crashes: this.#crashes,
      faults: this.#faults,
      foreign: this.#foreign,
      handOvers: this.#handOvers,
      abandoned: this.#book.abandoned.size,
      refusals: this.#refusals,
    };
  }

  async #open(disk: MemoryDisk | MortalDisk): Promise<Committer | undefined> {
    for (;;) {
      const faults = this.#faults;
      this.#opening = true;
      this.#book.nextLife();
      try {
        return await Committer.open({
          disk,
          cache: (file) => new Cache(this.#cacheFiles, file.origin),
          signer: this.#watched(this.#signer),
          segmentBytes: this.#segmentBytes,
          onSeal: (note) => this.#book.release(note),
          onRecovered: (left) => this.#say(`recovered ${left.reason} ${left.deadBytes}`),
          onSyncFailed: ({ segment, length }) => {
            this.#suspect = { segment, length };
          },
          ...(this.#suspect === undefined ? {} : { syncedUpTo: this.#suspect }),
          nowMs: () => Date.UTC(2025, 0, 1),
        });
      } catch (error) {
        const successor = this.#candidates.find(({ vkey }) => error instanceof LogError && error.code === 'ERR_LOG_KEY_MISMATCH' && error.message.includes(`handed over to ${vkey}`));
        if (successor !== undefined) {
          this.#say('the change of key was sealed before the crash');
          this.#signer = successor;
          continue;
        }
        if (this.#faults === faults) throw error; // a healthy disk must open
        this.#say(`refused: ${(error as Error).message}`);
        this.#refusals++;
        this.#armed = undefined;
      } finally {
        this.#opening = false;
      }
    }
  }

  #watched(signer: Signer): Signer {
    return this.#book.watch(signer, (size) => {
      const last = this.#disk.steps.findLast(({ name }) => name.endsWith('.ndjson'));
      if (last?.step !== 'sync') throw new Error(`a root over ${size} entries was signed before what it covers was synced`);
    });
  }

  #newBatch(): number[] {
    const count = 1 + this.#random.below(4);
    const batch = Array.from({ length: count }, () => this.#nextEvent++);
    if (this.#random.oneIn(6)) batch.push(batch[0]!); // the same event twice in one call
    if (this.#random.oneIn(6) && this.#batches.length > 0) batch.push(this.#random.pick(this.#random.pick(this.#batches)));
    this.#batches.push(batch);
    return batch;
  }

  #append(committer: Committer, batch: readonly number[]): Promise<void> {
    this.#say(`append ${batch.join(',')}`);
    return committer.append(encodeBatch(batch.map(line))).then(
      ({ first, indexes }) => {
        for (let i = 0; i < batch.length; i++) this.#acknowledge(batch[i]!, indexes === undefined ? first + i : indexes[i]!);
      },
      (error: unknown) => {
        if (!(error instanceof LogError)) throw error;
        this.#say(`rejected ${batch.join(',')}: ${error.code}`);
      },
    );
  }

  #acknowledge(n: number, index: number): void {
    if (index < 0) throw new Error(`event ${n} was called a conflict`);
    const before = this.#acknowledged.get(n);
    if (before !== undefined && before !== index) throw new Error(`event ${n} was acknowledged at ${before} and at ${index}`);
    this.#acknowledged.set(n, index);
  }

  async #handOver(committer: Committer): Promise<void> {
    this.#handingOver = true;
    const [from, to] = [this.#signer, testSigner()];
    this.#candidates.push(to);
    const timestamp = '2025-01-01T00:00:00.000Z';
    const message = formatKeyChange('test.example/log', from.vkey, to.vkey, timestamp);
    const base64 = async (signer: Signer): Promise<string> => Buffer.from(await signer.sign(message)).toString('base64');
    const details = { from: from.vkey, to: to.vkey, fromSig: await base64(from), toSig: await base64(to) };
    const n = this.#nextEvent++;
    const entry = encodeEvent({ id: testId(n), event: 'key_changed', timestamp, details }, { nowMs: Date.UTC(2025, 0, 1), lifecycle: true, defaults: { app: 'model' } });
    this.#say(`hand over in ${n}`);
    try {
      await committer.append(encodeBatch([entry]), this.#watched(to));
      this.#signer = to;
      this.#handOvers++;
      this.#say('handed over');
    } catch (error) {
      this.#say(`hand over failed: ${(error as Error).message}`);
    } finally {
      this.#handingOver = false;
    }
  }

  async #addForeign(): Promise<void> {
    const names = (await this.#disk.list()).filter((name) => name.endsWith('.ndjson')).sort();
    const name = this.#random.pick(names.slice(-2));
    const text = this.#random.pick(['foreign line\n', 'no line end', '{"indelible":"seal","offset":1}\n', '\0\0\0\0', `${line(999_999)}\n`]);
    if (name !== names.at(-1)) return; // bytes behind the end of an older segment are the verifier's matter
    this.#say(`foreign bytes in ${name}`);
    this.#foreign++;
    const fault = this.#disk.fault;
    this.#disk.fault = () => undefined;
    const file = await this.#disk.append(name);
    file.write([Buffer.from(text)]);
    this.#disk.fault = fault;
  }

  #armFault(): void {
    this.#armed = { left: this.#random.below(6), kind: this.#random.pick(['not applied', 'applied', 'half']), sticky: this.#random.oneIn(4) };
  }

  #decide(): DiskFault | undefined {
    if (this.#armed === undefined) return undefined;
    if (this.#armed.left-- > 0) return undefined;
    const { kind, sticky } = this.#armed;
    if (!sticky) this.#armed = undefined;
    return kind;
  }

  /** The process is gone; perhaps the machine too, with what it had not written back. */
  #crash(): void {
    this.#crashes++;
    const random = this.#random;
    if (!this.#lies && random.oneIn(3)) {
      this.#say('killed');
      return;
    }
    this.#say('power lost');
    this.#over ||= this.#joinAtRisk;
    this.#suspect = undefined;
    this.#lies = false;
    this.#disk.crash((_name, unsynced) => {
      const kept = unsynced.slice(0, random.below(unsynced.length + 1));
      const page = 64 + random.below(512);
      for (let at = 0; at < kept.length; at += page) if (random.oneIn(4)) kept.fill(0, at, at + page);
      return kept;
    });
    if (random.oneIn(4)) this.#cacheFiles.clear();
  }

  async #checkRecord(): Promise<void> {
    const record = readRecord(await memoryFiles(this.#disk), this.#genesis);
    if (record.errors.length > 0) throw new Error(`not sound: ${record.errors.join('; ')}`);
    const places = new Map<string, number>();
    record.entries.forEach((entry, index) => {
      const id = entry.slice(7, 43);
      if (places.has(id)) throw new Error(`${id} is on the record twice`);
      places.set(id, index);
    });
    for (const [n, index] of this.#acknowledged) {
      if (record.entries[index] !== line(n)) throw new Error(`event ${n}, acknowledged at ${index}, is not there`);
    }
    for (const batch of this.#batches) {
      const there = batch.filter((n) => places.has(testId(n))).length;
      const fresh = batch.filter((n) => !this.#batches.some((other) => other !== batch && other.includes(n)));
      const half = fresh.filter((n) => places.has(testId(n))).length;
      if (half !== 0 && half !== fresh.length) throw new Error(`of batch ${batch.join(',')} only ${there} are there`);
    }
  }

  #say(text: string): void {
    if (this.#trace) process.stderr.write(`${text}\n`);
  }
}
