import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { FINDING_CODES, formatReport, verifyLog } from '@indelible/verify';
import { scratchDirectory } from './support/bench.ts';
import { RecordWriter, makeEntry, makeKey } from './support/record-writer.mjs';
import { KEY, writeVictim } from './support/victim.mjs';

const scratch = scratchDirectory();
afterAll(() => scratch.remove());

describe('docs/reference/findings.md', () => {
  const page = readFileSync(new URL('../../../docs/reference/findings.md', import.meta.url), 'utf8');
  const documented = new Map([...page.matchAll(/^\| `([a-z_]+)` \| (error|warning|note)/gm)].map((match) => [match[1], match[2]]));

  test('lists every code with its severity, and no other', () => {
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(Object.entries(FINDING_CODES).map(([code, { severity }]) => [code, severity])));
  });

  test('says of the same codes that they withhold "sound"', () => {
    for (const [code, { withholdsSound }] of Object.entries(FINDING_CODES)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\``));
      expect(row?.includes('not proven'), code).toBe(withholdsSound === true);
    }
  });
});

describe('formatReport', () => {
  test('a sound log', async () => {
    const log = writeVictim(scratch.at('sound'));
    const text = formatReport(await verifyLog(log.directory, { key: KEY.vkey, since: log.notes[2]!, sinceAt: '/mnt/usb/seal' }));
    expect(text).toBe(`SOUND  entries 0–24 as sealed by the key of the log; detects rewriting since seal 8 kept at /mnt/usb/seal; entries 0–7 unchanged

  origin    bank.example/audit
  key       bank.example/audit+f4abeaae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c (given, and it signs the log)
  seal      25 entries, root Jq+ejKsxVCPoWkFgHH+bXg0tPAKi+8YbUA/pgxqgZDc=
  checked   25 entries, 10 seals, 17 signatures, 8,913 bytes, 4 segments
  times     2026-11-20T08:00:00.000Z to 2026-11-20T08:00:24.000Z, longest silence 1 s
  alive     1 heartbeat
  besides   19 foreign bytes, 20 dead bytes

Warnings
  foreign_bytes (entry 10, 000001.ndjson at byte 1,236): 19 bytes before the seal for tree size 13 are foreign
      Find out which program writes to the file.

Notes
  recovery (entry 14, 000002.ndjson at byte 0): segment 1 was closed as "torn" with 20 bytes left behind
  key_changed (entry 19, 000003.ndjson at byte 0): from bank.example/audit+f4abeaae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c to bank.example/audit+87ca1af3+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU

Not checked
  - cache/: it is derived and proves nothing.
  - Whether entries after the seal kept elsewhere were rewritten or cut off by the holder of the key.
  - Whether what the entries say is true and complete: they are proven to be what was recorded, in that order.
`);
  });

  test('a log that is not', async () => {
    const writer = new RecordWriter(scratch.at('changed'), KEY);
    writer.fill(3).fill(1).raw('{"indelible":"seal","note":"bank.example/audit"}\n').raw('x');
    const text = formatReport(await verifyLog(writer.directory, { key: makeKey('bank.example/audit', 9).vkey }));
    expect(text).toBe(`NOT SOUND  not sound from entry 0 on: the log is signed by bank.example/audit+f4abeaae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c, the key given is bank.example/audit+a0ca1972+Af0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY

  origin    bank.example/audit
  key       bank.example/audit+a0ca1972+Af0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY (not proven)
  seal      4 entries, root 9e7IYBkrUHUBP1psMBOGYgHMmvlVE/Z+wznRo55jgMs=
  checked   4 entries, 2 seals, 3 signatures, 1,445 bytes, 1 segment
  times     2026-11-20T08:00:00.000Z to 2026-11-20T08:00:03.000Z, longest silence 1 s
  besides   50 bytes behind the last seal

Errors
  seal_damaged (entry 4, 000000.ndjson at byte 1,395): what poses as a seal over the entries from 4 on is damaged or forged
      Keep a copy of the log as it is; compare it with a mirror or a backup from the index named on.
  key_mismatch (entry 0): the log is signed by bank.example/audit+f4abeaae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c, the key given is bank.example/audit+a0ca1972+Af0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY
      Check that the key belongs to this log. If it does, the log was rewritten and signed by somebody else.

Notes
  unsealed_bytes (entry 4, 000000.ndjson at byte 1,395): 50 bytes stand behind the last seal

Not checked
  - cache/: it is derived and proves nothing.
  - Whether the holder of the key rewrote the log and signed it again, or cut it back to an older seal: only a seal kept elsewhere (--since) shows that.
  - Whether what the entries say is true and complete: they are proven to be what was recorded, in that order.
`);
  });

  test('no control character of the evidence reaches the terminal', async () => {
    const hostile = makeKey('evil\u202e\u001b[31m\u009b'.replace('\u001b', ''), 8);
    const writer = new RecordWriter(scratch.at('hostile'), hostile);
    writer.batch([makeEntry(0)]);
    const text = formatReport(await verifyLog(writer.directory));
    expect(text).toContain('evil');
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
