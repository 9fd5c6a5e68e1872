import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { SCENARIOS, type AdapterUnderTest, type Scenario } from '../adapter-under-test.ts';

/** What a scenario came to. */
type Result = { readonly recorded: readonly string[]; readonly why?: string } | { readonly notVisible: string };

/** The results of an adapter, kept in `results/<name>.json`: docs/guide/coverage.md is generated from these files. */
export class Results {
  readonly #adapter: AdapterUnderTest;
  readonly #found = new Map<Scenario, Result>();

  constructor(adapter: AdapterUnderTest) {
    this.#adapter = adapter;
  }

  recorded(scenario: Scenario, events: readonly string[]): void {
    const why = this.#adapter.differs?.[scenario]?.why;
    this.#found.set(scenario, { recorded: events, ...(why === undefined ? {} : { why }) });
  }

  notVisible(scenario: Scenario, reason: string): void {
    this.#found.set(scenario, { notVisible: reason });
  }

  /** Compares with the file, or writes it. Does nothing after a run of some scenarios only. */
  check(): void {
    const scenarios = Object.keys(SCENARIOS) as Scenario[];
    if (scenarios.some((scenario) => !this.#found.has(scenario))) return;
    const file = fileURLToPath(new URL(`../results/${this.#adapter.name}.json`, import.meta.url));
    const results = {
      adapter: this.#adapter.name,
      title: this.#adapter.title,
      scenarios: Object.fromEntries(scenarios.map((scenario) => [scenario, { title: SCENARIOS[scenario], ...this.#found.get(scenario) }])),
    };
    if (process.env['INDELIBLE_COVERAGE'] === 'write') {
      writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
      return;
    }
    const kept: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    expect(kept, 'results/*.json is not what this run found: run with INDELIBLE_COVERAGE=write, then node tools/make-coverage.mjs').toEqual(results);
  }
}
