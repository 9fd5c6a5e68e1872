import { describe, expect, it } from 'vitest';
import { examine, readFixtures, shown, wanted } from './support/fixture.ts';

const fixtures = readFixtures();

it('has at least sixty fixtures', () => {
  expect(fixtures.length).toBeGreaterThanOrEqual(60);
});

describe.each(fixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (_, fixture) => {
  it(fixture.why, () => {
    const report = examine(fixture);
    expect(shown(report, fixture)).toEqual(wanted(fixture));
  });

  it.each((fixture.mutants ?? []).map((mutant) => [mutant.name, mutant] as const))('mutant: %s', (_name, mutant) => {
    const text = fixture.files.get(mutant.file);
    expect(text).toContain(mutant.find);
    const report = examine(fixture, new Map([...fixture.files, [mutant.file, text!.replaceAll(mutant.find, () => mutant.replace)]]));
    expect(shown(report, mutant.expect)).toEqual(wanted(mutant.expect));
  });
});
