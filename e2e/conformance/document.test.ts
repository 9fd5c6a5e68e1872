import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatConformanceTables } from './support/conformance-tables.ts';

const DOCUMENT = new URL('../../docs/reference/conformance.md', import.meta.url);
const [BEGIN, END] = ['<!-- tables: begin -->\n', '<!-- tables: end -->'];

test('docs/reference/conformance.md has the tables that the tests run', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  const renewed = `${text.slice(0, begin)}\n${formatConformanceTables()}\n${text.slice(end)}`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(DOCUMENT, renewed);
  else expect(text, 'renew it: UPDATE_DOCS=1 npx vitest run e2e/conformance/document.test.ts').toBe(renewed);
});
