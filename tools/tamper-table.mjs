// Prints the tamper table: every edit of a small log that we know of, and what the verifier says about it.
//
//   npx tsc -b && node tools/tamper-table.mjs [--markdown]

import { TamperBench } from '../packages/verify/test/support/tamper.mjs';
import { TAMPER_ROWS } from '../packages/verify/test/support/tamper-rows.mjs';

const markdown = process.argv.includes('--markdown');
const bench = new TamperBench();
const table = [['edit', 'detected', 'code', 'from entry', 'where', 'how']];
let wrong = 0;
try {
  for (const row of TAMPER_ROWS) {
    const { report, found, index } = await bench.run(row);
    const asExpected = report.verdict === row.verdict && (row.code === undefined || found?.code === row.code) && (row.index === undefined || index === row.index);
    if (!asExpected) wrong++;
    table.push([row.name, detected(row, report, asExpected), found?.code ?? '–', index === undefined ? '–' : String(index), placeOf(found), found?.meaning ?? 'no finding']);
  }
} finally {
  bench.close();
}
print(table);
const unseen = TAMPER_ROWS.filter((row) => row.needs !== undefined).length;
console.log(`\n${TAMPER_ROWS.length} rows: ${TAMPER_ROWS.filter((row) => row.verdict === 'not_sound').length} caught, ${unseen} that nobody can see without a seal kept elsewhere, the others have no effect on what is sealed`);
if (wrong > 0) {
  console.error(`${wrong} rows are not what the table expects`);
  process.exitCode = 1;
}

function detected(row, report, asExpected) {
  if (!asExpected) return `WRONG: ${report.verdict}`;
  if (report.verdict === 'not_sound') return 'yes';
  if (row.needs !== undefined) return `needs ${row.needs}`;
  return report.verdict === 'not_proven' ? 'not proven' : 'no effect';
}

function placeOf(finding) {
  if (finding === undefined) return '–';
  const { file, segment, offset } = finding.where;
  const place = file ?? (segment === undefined ? '–' : `segment ${segment}`);
  return offset === undefined ? place : `${place}:${offset}`;
}

function print(rows) {
  if (markdown) {
    const lines = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
    console.log([lines[0], `|${' --- |'.repeat(rows[0].length)}`, ...lines.slice(1)].join('\n'));
    return;
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  for (const cells of rows) console.log(cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]))).join('  '));
}
