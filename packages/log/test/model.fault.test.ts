import { describe, expect, test } from 'vitest';
import { runModel } from './support/model.ts';

const RUNS = process.env['SLOW'] === '1' ? 3_000 : 200;
const FIRST_SEED = Number(process.env['SEED'] ?? 1);

// Random interleavings of append, failing disk steps, crashes, restarts, foreign bytes and key changes, against a list.
describe('model', () => {
  test(`${RUNS} random lives of a log keep every acknowledged event`, { timeout: 600_000 }, async () => {
    const total = { acknowledged: 0, crashes: 0, faults: 0, foreign: 0, handOvers: 0, abandoned: 0, refusals: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      try {
        const run = await runModel(seed);
        for (const [name, value] of Object.entries(run)) total[name as keyof typeof total] += value;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    process.stdout.write(`model: ${JSON.stringify(total)}\n`);
    expect(total.acknowledged).toBeGreaterThan(RUNS * 10);
    expect(total.crashes).toBeGreaterThan(RUNS);
    expect(total.faults).toBeGreaterThan(RUNS);
  });
});
