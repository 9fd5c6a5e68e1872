import { afterAll, describe, expect, it } from 'vitest';
import { SCENARIOS, type AdapterUnderTest, type Scenario } from './adapter-under-test.ts';
import { Results } from './support/results.ts';
import { endings } from './scenarios/endings.ts';
import { hostile } from './scenarios/hostile.ts';
import { lifetime } from './scenarios/lifetime.ts';
import { outages } from './scenarios/outages.ts';
import type { ScenarioRun } from './support/scenario.ts';

export type { AdapterUnderTest, StartOptions } from './adapter-under-test.ts';

const RUNS: Readonly<Record<Scenario, ScenarioRun>> = { ...lifetime, ...endings, ...outages, ...hostile };

/**
 * The suite that every adapter is run by: the real framework over real HTTP, and the record's entries, exactly.
 *
 * Call it once, at the top of `<name>.test.ts`, with the object that `<name>-app.ts` exports as `adapter`. What each scenario came
 * to is compared with `results/<name>.json`, from which tools/make-coverage.mjs makes docs/guide/coverage.md; run with
 * `INDELIBLE_COVERAGE=write` to write that file.
 */
export function describeAdapter(adapter: AdapterUnderTest): void {
  describe(adapter.title, () => {
    const results = new Results(adapter);

    for (const [scenario, title] of Object.entries(SCENARIOS) as [Scenario, string][]) {
      const reason = adapter.cannot?.[scenario];
      if (reason === undefined) {
        it(title, async () => {
          const events = await RUNS[scenario]({ adapter, expected: (usual) => [...(adapter.differs?.[scenario]?.events ?? usual)] });
          results.recorded(scenario, events);
        }, 30_000);
      } else {
        // A reason that is no longer true is found: the scenario is run, and must not succeed.
        it(`${title}: not visible`, async () => {
          if (scenario !== 'killed') await expect(RUNS[scenario]({ adapter, expected: (usual) => [...usual] })).rejects.toThrow();
          results.notVisible(scenario, reason);
        }, 30_000);
      }
    }

    afterAll(() => results.check());
  });
}
