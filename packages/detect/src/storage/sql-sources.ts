import { lastName, type Fn } from '../code/ir.ts';
import type { OtherText } from '../code/load.ts';
import { placeAt } from '../code/place.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import { textsOf } from '../code/strings.ts';
import type { SqlText } from './sql-schema.ts';

const DOWN_FILE = /(?:^|[/._-])(?:down|rollback|rollbacks|revert|undo)(?:[/._-]|$)/i;
const DOWN_MARK = /^\s*--\s*(?:\+goose\s+Down|migrate:down|Down Migration|!Downs|\+migrate Down|@?UNDO|=+\s*down|down\b|rollback\b)[^\n]*$/im;
const DOWN_FUNCTION = /^(?:down|revert|rollback|undo|drop)$/i;
const DEFINES = /\b(?:create|alter|drop)\s+(?:or\s+replace\s+)?(?:temp\s+)?(?:table|trigger|function|rule|policy|constraint)\b|\brevoke\s|\bgrant\s|row\s+level\s+security/i;

/** All SQL of a codebase in the order in which it runs: migrations by name, then what code runs by itself. */
export function sqlSources(project: Project, resolver: Resolver, others: readonly OtherText[]): SqlText[] {
  const ordered: { key: string; late: boolean; sql: SqlText }[] = [];
  for (const { path, kind, text } of others) {
    if (kind !== 'sql' || DOWN_FILE.test(path.slice(path.lastIndexOf('/') + 1)) || /(?:^|\/)(?:down|rollbacks?)\//i.test(path)) continue;
    const mark = DOWN_MARK.exec(text);
    ordered.push({ key: path, late: false, sql: { text: mark === null ? text : text.slice(0, mark.index), file: path, line: 1 } });
  }
  for (const module of project.modules.values()) {
    if (!DEFINES.test(module.text)) continue;
    for (const fn of module.functions) {
      if (isDown(fn)) continue;
      for (const call of fn.calls) {
        if (call.devOnly || !/query|exec|raw|sql|run|unsafe|none|migrate|prepare|batch/i.test(lastName(call.callee) ?? '')) continue;
        for (const arg of call.args.slice(0, 2)) {
          for (const { text, at, module: home } of textsOf(resolver, arg, { fn }).texts) {
            if (!DEFINES.test(text)) continue;
            const place = placeAt(home, at);
            ordered.push({ key: module.path, late: !/migrat|drizzle|changelog/i.test(module.path), sql: { text, file: place.file, line: place.line } });
          }
        }
      }
    }
  }
  return ordered.map((item, i) => ({ ...item, i })).sort((a, b) => Number(a.late) - Number(b.late) || natural(a.key, b.key) || a.i - b.i).map(({ sql }) => sql);
}

function isDown(fn: Fn): boolean {
  for (let at: Fn | undefined = fn; at !== undefined; at = at.parent) if (DOWN_FUNCTION.test(at.name)) return true;
  return false;
}

/** `2_x` before `10_x`. */
function natural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i]!, right[i]!];
    if (x === y) continue;
    const bothNumbers = /^\d/.test(x) && /^\d/.test(y);
    if (bothNumbers) {
      const shorter = x.replace(/^0+/, '').length - y.replace(/^0+/, '').length;
      if (shorter !== 0) return shorter;
    }
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
