import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptyRoot, formatCheckpoint } from '@indelible/tlog';
import { verifyLog } from '@indelible/verify';
import { buildTiles } from './support/build-tiles.ts';
import { buildGoProgram } from './support/go-program.ts';
import { scratchDirectory } from './support/scratch.ts';
import { signText } from './support/sign-text.ts';
import { ORIGIN, openTestLog, type TestLog } from './support/test-log.ts';
import { readTree } from './support/tiles-directory.ts';

// On both sides of the widths of a bundle and of a tile of level 1, and one size with a tile of level 2 that is not just begun.
const SIZES = [1, 2, 255, 256, 257, 512, 65_535, 65_536, 65_537, 70_000];

const scratch = scratchDirectory();
const go = buildGoProgram(scratch);
let grown: TestLog;

beforeAll(async () => {
  grown = await openTestLog(scratch);
});
afterAll(() => grown.log.close());

describe.each(SIZES)('tiles of %i entries', (size) => {
  let fresh: string;
  /** Exported again at every size, over what was there. */
  let renewed: string;
  let kept: string | undefined;

  beforeAll(async () => {
    kept = grown.log.seal;
    await grown.growTo(size);
    fresh = await grown.exportTo(`tiles-${size}`);
    renewed = await grown.exportTo('tiles');
    writeFileSync(join(scratch, 'kept'), kept!);
  });

  test('are those of the definition, byte for byte', async () => {
    const entries: Uint8Array[] = [];
    for await (const entry of grown.log.reader().entries()) entries.push(entry.bytes);
    expect(entries.length).toBe(size);
    const expected = buildTiles(entries).files;
    const files = readTree(fresh);
    files.delete('checkpoint');
    expect([...files.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [path, bytes] of expected) expect(Buffer.compare(bytes, files.get(path)!), path).toBe(0);
  });

  test.skipIf('missing' in go)('are accepted by golang.org/x/mod', () => {
    if ('missing' in go) return;
    for (const directory of [fresh, renewed]) {
      const outcome = go.run(['tiles', '-dir', directory, '-origin', ORIGIN, '-key', grown.signer.vkey, '-kept', join(scratch, 'kept'), '-seed', String(size)]);
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
      expect(outcome.stdout).toContain(`accepted: ${size} entries`);
    }
  });

  test('are accepted by @indelible/verify', async () => {
    for (const directory of [fresh, renewed]) {
      const report = await verifyLog(directory, { key: grown.signer.vkey, since: kept! });
      expect(report.findings).toEqual([]);
      expect(report).toMatchObject({ verdict: 'sound', coverage: { entries: size } });
    }
  });
});

describe('tiles of no entries', () => {
  // A log of ours is never empty, its first entry says that it was started; the format allows it.
  const directory = join(scratch, 'tiles-0');

  beforeAll(async () => {
    mkdirSync(directory);
    const text = formatCheckpoint({ origin: ORIGIN, treeSize: 0, rootHash: emptyRoot(), extensions: [] });
    writeFileSync(join(directory, 'checkpoint'), await signText(text, grown.signer));
  });

  test.skipIf('missing' in go)('are accepted by golang.org/x/mod', () => {
    if ('missing' in go) return;
    expect(go.run(['tiles', '-dir', directory, '-origin', ORIGIN, '-key', grown.signer.vkey])).toMatchObject({ status: 0 });
  });

  test('prove nothing to @indelible/verify', async () => {
    const report = await verifyLog(directory, { key: grown.signer.vkey });
    expect(report).toMatchObject({ verdict: 'not_proven', findings: [{ code: 'nothing_sealed' }] });
  });
});
