// Runs rows of the tamper table: used by the tests and by tools/tamper-table.mjs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyLog } from '@indelible/verify';
import { Copy, KEY, writeVictim } from './victim.mjs';

/** A place with the victim in it, where copies are tampered with one after another. */
export class TamperBench {
  constructor() {
    this.scratch = mkdtempSync(join(tmpdir(), 'indelible-tamper-'));
    this.original = join(this.scratch, 'original');
    this.writer = writeVictim(this.original);
    this.notes = new Map(this.writer.notes.map((note) => [Number(note.split('\n')[1]), note]));
  }

  /** A tampered copy, and the options to verify it with. */
  prepare(row) {
    const copy = new Copy(this.original, join(this.scratch, 'copy'));
    row.how(copy);
    const since = typeof row.since === 'number' ? this.notes.get(row.since) : row.since;
    return { directory: copy.directory, options: { ...(row.key === null ? {} : { key: row.key ?? KEY.vkey }), ...(since === undefined ? {} : { since }) } };
  }

  /** The report on a tampered copy, and what the table says about it. */
  async run(row, verify = verifyLog) {
    const { directory, options } = this.prepare(row);
    const report = await verify(directory, options);
    return { report, ...summarize(report, row.code) };
  }

  close() {
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** The finding that counts and the first entry concerned. */
function summarize({ findings }, code) {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const found = findings.find((finding) => finding.code === code) ?? errors[0];
  const indexes = errors.map(({ where }) => where.index).filter((index) => index !== undefined);
  return { found, index: errors.length > 0 ? (indexes.length > 0 ? Math.min(...indexes) : undefined) : found?.where.index };
}
