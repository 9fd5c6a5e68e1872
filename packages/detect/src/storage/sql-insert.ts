import { tokenizeSql, unquote } from './sql-tokens.ts';

/** An INSERT: its table, its columns, and what stands for them. */
export interface SqlInsert {
  readonly table: string;
  readonly columns: readonly string[];
  readonly values: readonly { readonly text?: string; readonly placeholder: boolean; readonly index?: number }[];
}

/** Reads the first INSERT of a statement; undefined where there is none. */
export function parseInsert(sql: string): SqlInsert | undefined {
  const tokens = tokenizeSql(sql.slice(0, 20_000));
  const into = tokens.findIndex((token, i) => /^into$/i.test(token) && tokens.slice(Math.max(0, i - 4), i).some((before) => /^insert$/i.test(before)));
  if (into === -1) return undefined;
  let at = into + 1;
  let table = unquote(tokens[at] ?? '');
  while (tokens[at + 1] === '.') {
    at += 2;
    table = unquote(tokens[at] ?? '');
  }
  if (!/^\w+$/.test(table) || table === '\u0001') return undefined;
  const columns: string[] = [];
  if (tokens[at + 1] === '(') {
    for (at += 2; at < tokens.length && tokens[at] !== ')'; at++) if (tokens[at] !== ',') columns.push(unquote(tokens[at]!));
  }
  if (/^set$/i.test(tokens[at + 1] ?? '')) return { table, ...readAssignments(tokens, at + 2) };
  const start = tokens.findIndex((token, i) => i > at && /^values$/i.test(token));
  return { table, columns, values: start === -1 ? [] : readValues(tokens, start + 1) };
}

/** MySQL: `SET action = ?, user_id = 'x'`, or `SET ?` with an object. */
function readAssignments(tokens: readonly string[], from: number): Pick<SqlInsert, 'columns' | 'values'> {
  if (tokens[from] === '?') return { columns: [''], values: [{ placeholder: true }] };
  const columns: string[] = [];
  const values: { text?: string; placeholder: boolean }[] = [];
  for (let i = from; i + 2 < tokens.length; i++) {
    if (tokens[i + 1] !== '=') continue;
    const value = tokens[i + 2]!;
    columns.push(unquote(tokens[i]!));
    values.push(value.startsWith("'") ? { text: value.slice(1, -1), placeholder: false } : { placeholder: value === '?' || value === '\u0001' || /^[$:@]\w+$/.test(value) });
  }
  return { columns, values };
}

function readValues(tokens: readonly string[], from: number): SqlInsert['values'] {
  const values: { text?: string; placeholder: boolean; index?: number }[] = [];
  let depth = 0;
  let item: string[] = [];
  const flush = (): void => {
    const [only] = item;
    if (item.length > 0) {
      const numbered = item.map((token) => /^\$(\d+)$/.exec(token)?.[1]).find((digits) => digits !== undefined);
      const placeholder = item.some((token) => token === '?' || token === '\u0001' || /^[$:@]\w+$/.test(token));
      if (only !== undefined && only.startsWith("'") && !placeholder) values.push({ text: only.slice(1, -1), placeholder: false });
      else values.push(numbered === undefined ? { placeholder } : { placeholder, index: Number(numbered) - 1 });
    }
    item = [];
  };
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token === '(') {
      depth++;
      if (depth > 1) item.push(token);
    } else if (token === ')') {
      depth--;
      if (depth === 0) {
        flush();
        break;
      }
      item.push(token);
    } else if (token === ',' && depth === 1) flush();
    else item.push(token);
  }
  return values;
}
