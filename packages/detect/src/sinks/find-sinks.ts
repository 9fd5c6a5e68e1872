import type { Call } from '../code/ir.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import type { Tables } from '../storage/tables.ts';
import { databaseSink } from './database-sinks.ts';
import { loggerSink } from './logger-sinks.ts';
import { otherSink } from './other-sinks.ts';
import type { Sink } from './sink.ts';

const NEVER = /^(?:map|filter|forEach|find|some|every|reduce|join|split|slice|then|catch|finally|useState|useEffect|useRef|json|status|toString|trim|includes|startsWith|endsWith|keys|entries|Date|now|parse|stringify|expect|describe|it|string|number|boolean|object|optional|min|max|nullable|Error|Promise|Map|Set|replace|match|test|concat|sort|flatMap|padStart|toISOString|getTime|Number|String|Boolean|parseInt|parseFloat|useCallback|useMemo|useRouter|redirect|render|cn|clsx)$/;

/** Every call of a codebase that writes to a log, a table, a file, memory, or somebody else. */
export function findSinks(project: Project, resolver: Resolver, tables: Tables): Sink[] {
  const sinks: Sink[] = [];
  const seen = new Set<Call>();
  for (const name of project.calledNames()) {
    if (NEVER.test(name)) continue;
    for (const call of project.callsNamed(name)) {
      if (seen.has(call) || call.devOnly) continue;
      seen.add(call);
      const sink = loggerSink(resolver, call) ?? databaseSink(resolver, tables, call) ?? otherSink(resolver, call);
      if (sink !== undefined) sinks.push(sink);
    }
  }
  return sinks;
}
