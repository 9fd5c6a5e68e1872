import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openReader } from '@indelible/log';
import { verifyLog } from '@indelible/verify';

// A log that was written when format version 1 was frozen. If this fails, the format changed: give it a new version instead.

const golden = fileURLToPath(new URL('../testdata/record/golden/', import.meta.url));
const record = `${golden}audit`;
const expected = JSON.parse(readFileSync(`${golden}expected.json`, 'utf8')) as { genesisKey: string; lastKey: string; entries: number; seals: string[] };

describe('the golden log', () => {
  it.each([expected.genesisKey, expected.lastKey])('is sound under the key %s and every seal that was kept', async (key) => {
    for (const since of expected.seals) {
      const report = await verifyLog(record, { key, since });
      expect(report.verdict).toBe('sound');
      expect(report.seal?.note).toBe(expected.seals.at(-1));
      expect(report.coverage.entries).toBe(expected.entries);
      expect(report.findings.map((finding) => finding.code).sort()).toEqual(['key_changed', 'recovery']);
    }
  });

  it('is read to the last entry, and every entry is proved', async () => {
    const reader = await openReader(record);
    const ids: string[] = [];
    for await (const { index, bytes } of reader.entries()) {
      expect(index).toBe(ids.length);
      ids.push((JSON.parse(new TextDecoder().decode(bytes)) as { id: string }).id);
    }
    expect(ids).toHaveLength(expected.entries);
    expect(new Set(ids).size).toBe(expected.entries);
    for (const index of [0, 19, 20, 21, 35, expected.entries - 1]) expect((await reader.prove(index)).seal).toBe(expected.seals.at(-1));
  });
});
