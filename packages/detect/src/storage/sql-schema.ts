import type { Place } from '../report.ts';
import { tokenizeSql, unquote } from './sql-tokens.ts';

/** SQL and where it stands, in the order in which it runs. */
export interface SqlText {
  readonly text: string;
  readonly file: string;
  /** Line of the first character. */
  readonly line: number;
  readonly snippet?: string;
}

/** What changes a row. */
export type Change = 'update' | 'delete';

interface Trigger {
  readonly name: string;
  readonly changes: ReadonlySet<Change>;
  readonly truncate: boolean;
  /** The function it runs, or its own body. */
  readonly runs: string | undefined;
  readonly body: string | undefined;
  readonly condition: string | undefined;
  readonly place: Place;
  disabled: boolean;
}

interface Policy {
  readonly command: string;
  readonly using: string;
  readonly place: Place;
}

/** What is known of a table. */
export interface SqlTable {
  readonly name: string;
  place: Place | undefined;
  readonly triggers: Map<string, Trigger>;
  readonly rules: Map<string, { change: Change; place: Place }>;
  /** By role, what was taken away and what was given. */
  readonly revoked: Map<string, { changes: Set<Change>; place: Place }>;
  readonly granted: Map<string, { privileges: Set<string>; place: Place }>;
  rls: { enabled: boolean; forced: boolean; place: Place } | undefined;
  readonly policies: Map<string, Policy>;
  readonly changed: { change: Change | 'truncate'; place: Place }[];
}

/** A database as its migrations leave it: the last definition wins. */
export class SqlSchema {
  readonly tables: Map<string, SqlTable> = new Map();
  readonly functions: Map<string, { body: string; place: Place }> = new Map();

  /** Runs one text. */
  apply(given: SqlText): void {
    const sql = /^\s*delimiter\s/im.test(given.text) ? { ...given, text: withoutDelimiters(given.text) } : given;
    for (const { tokens, offset, line } of statements(sql.text)) this.#statement(tokens, placeOf(sql, offset, line), sql);
  }

  /** The table of a name, made where it is not known yet. */
  table(name: string): SqlTable {
    const key = name.toLowerCase();
    let table = this.tables.get(key);
    if (table === undefined) {
      table = { name, place: undefined, triggers: new Map(), rules: new Map(), revoked: new Map(), granted: new Map(), rls: undefined, policies: new Map(), changed: [] };
      this.tables.set(key, table);
    }
    return table;
  }

  /** Tables into which functions insert, by function. */
  inserting(): Map<string, string> {
    const found = new Map<string, string>();
    for (const [name, { body }] of this.functions) {
      const table = /insert\s+into\s+(?:\w+\.)?["`]?(\w+)/i.exec(body)?.[1];
      if (table !== undefined) found.set(name, table);
    }
    return found;
  }

  #statement(all: readonly string[], place: Place, sql: SqlText): void {
    const start = all.findIndex((token) => /^(?:create|drop|alter|revoke|grant|do|delete|update|truncate|rename)$/i.test(token));
    if (start === -1) return;
    const tokens = all.slice(start);
    const words = tokens.map((token) => (token.startsWith('$$') || token.startsWith("'") ? token : token.toLowerCase()));
    const [verb] = words;
    if (verb === 'do') {
      const body = tokens.find((token) => token.startsWith('$$'));
      if (body !== undefined) this.apply({ ...sql, text: body.slice(2).replace(/\bexecute\s+(?:format\s*\(\s*)?'((?:[^']|'')*)'/gi, (_, inner: string) => `; ${inner.replaceAll("''", "'")} ;`), line: place.line });
    } else if (verb === 'create') this.#create(tokens, words, place);
    else if (verb === 'drop') this.#drop(tokens, words);
    else if (verb === 'alter') this.#alter(tokens, words, place);
    else if (verb === 'revoke' || verb === 'grant') this.#privileges(verb, tokens, words, place);
    else if (verb === 'delete' || verb === 'update' || verb === 'truncate') this.#change(verb, tokens, words, place);
  }

  #create(tokens: readonly string[], words: readonly string[], place: Place): void {
    const kind = words.findIndex((word) => /^(?:table|trigger|function|procedure|rule|policy|view|index|type)$/.test(word));
    if (kind === -1 || kind > 6) return;
    const noun = words[kind];
    const [name, next] = nameAt(tokens, words, kind + 1);
    if (noun === 'table') {
      const existing = this.tables.get(name.toLowerCase());
      const table = this.table(name);
      if (existing === undefined || table.place === undefined) table.place = place;
    } else if (noun === 'function' || noun === 'procedure') {
      const body = tokens.find((token) => token.startsWith('$$')) ?? words.slice(next).find((word) => word.startsWith("'") && word.length > 30) ?? tokens.slice(next).join(' ');
      this.functions.set(name.toLowerCase(), { body: stripComments(body.replace(/^\$\$|^'/, '')), place });
    } else if (noun === 'trigger') this.#trigger(name, tokens, words, next, place);
    else if (noun === 'rule') {
      const on = words.indexOf('on', next);
      const to = words.indexOf('to', on);
      const change = words[on + 1];
      const [target] = nameAt(tokens, words, to + 1);
      if (on === -1 || to === -1 || (change !== 'update' && change !== 'delete')) return;
      if (words.includes('nothing') && words.includes('instead') && !words.slice(to).includes('where')) this.table(target).rules.set(name.toLowerCase(), { change, place });
    } else if (noun === 'policy') {
      const on = words.indexOf('on', next);
      const [target] = nameAt(tokens, words, on + 1);
      const command = words[words.indexOf('for', on) + 1];
      const using = words.indexOf('using', on);
      this.table(target).policies.set(name.toLowerCase(), {
        command: words.includes('for') && command !== undefined && /^(?:select|insert|update|delete|all)$/.test(command) ? command : 'all',
        using: using === -1 ? '' : words.slice(using + 1, using + 6).join(''), place,
      });
    }
  }

  #trigger(name: string, tokens: readonly string[], words: readonly string[], from: number, place: Place): void {
    const on = words.findIndex((word, i) => i >= from && word === 'on' && !/^(?:conflict)$/.test(words[i + 1] ?? ''));
    if (on === -1) return;
    const events = words.slice(from, on);
    const [target] = nameAt(tokens, words, on + 1);
    const changes = new Set<Change>();
    if (events.includes('update') && words[words.indexOf('update', from) + 1] !== 'of') changes.add('update');
    if (events.includes('delete')) changes.add('delete');
    const execute = words.findIndex((word, i) => i > on && word === 'execute');
    const begin = words.findIndex((word, i) => i > on && word === 'begin');
    const when = words.findIndex((word, i) => i > on && word === 'when');
    const end = execute === -1 ? (begin === -1 ? words.length : begin) : execute;
    const runs = execute === -1 ? undefined : nameAt(tokens, words, execute + 2)[0].toLowerCase();
    const body = execute === -1 ? tokens.slice(begin === -1 ? on : begin).join(' ') : undefined;
    this.table(target).triggers.set(name.toLowerCase(), {
      name, changes, truncate: events.includes('truncate'), runs, body, condition: when === -1 || when > end ? undefined : words.slice(when + 1, end).join(' '), place, disabled: false,
    });
  }

  #drop(tokens: readonly string[], words: readonly string[]): void {
    const noun = words[1];
    const at = words[2] === 'if' ? 4 : 2;
    const [name] = nameAt(tokens, words, at);
    const on = words.indexOf('on');
    const target = on === -1 ? undefined : this.tables.get(nameAt(tokens, words, on + 1)[0].toLowerCase());
    if (noun === 'table') {
      for (let i = at; i < words.length; i++) if (/^["`\w[]/.test(words[i]!) && words[i - 1] !== '.' && !/^(?:cascade|restrict)$/.test(words[i]!)) this.tables.delete(nameAt(tokens, words, i)[0].toLowerCase());
    } else if (noun === 'trigger') {
      if (target !== undefined) target.triggers.delete(name.toLowerCase());
      else for (const table of this.tables.values()) table.triggers.delete(name.toLowerCase());
    } else if (noun === 'rule') target?.rules.delete(name.toLowerCase());
    else if (noun === 'policy') target?.policies.delete(name.toLowerCase());
    else if (noun === 'function') {
      this.functions.delete(name.toLowerCase());
      if (words.includes('cascade')) for (const table of this.tables.values()) for (const [key, trigger] of table.triggers) if (trigger.runs === name.toLowerCase()) table.triggers.delete(key);
    }
  }

  #alter(tokens: readonly string[], words: readonly string[], place: Place): void {
    if (words[1] !== 'table') return;
    let at = 2;
    while (/^(?:if|exists|only)$/.test(words[at] ?? '')) at++;
    const [name, next] = nameAt(tokens, words, at);
    const key = name.toLowerCase();
    const rest = words.slice(next);
    if (rest[0] === 'rename' && rest[1] === 'to') {
      const [to] = nameAt(tokens, words, next + 2);
      const table = this.tables.get(key);
      if (table !== undefined) {
        this.tables.delete(key);
        this.tables.set(to.toLowerCase(), { ...table, name: to });
      }
      return;
    }
    const table = this.table(name);
    const text = rest.join(' ');
    if (/enable row level security/.test(text)) table.rls = { enabled: true, forced: table.rls?.forced ?? false, place };
    if (/disable row level security/.test(text)) table.rls = undefined;
    if (/force row level security/.test(text) && !/no force/.test(text)) table.rls = { enabled: table.rls?.enabled ?? false, forced: true, place };
    const toggled = /\b(enable|disable)(?: always| replica)? trigger (\S+)/.exec(text);
    if (toggled?.[2] !== undefined) {
      const which = unquote(toggled[2]);
      for (const [id, trigger] of table.triggers) if (which === 'all' || which === 'user' || id === which) trigger.disabled = toggled[1] === 'disable';
    }
  }

  #privileges(verb: 'revoke' | 'grant', tokens: readonly string[], words: readonly string[], place: Place): void {
    const on = words.indexOf('on');
    if (on === -1) return;
    const privileges = new Set(words.slice(1, on).filter((word) => /^(?:update|delete|insert|select|all|truncate)$/.test(word)));
    const link = words.lastIndexOf(verb === 'revoke' ? 'from' : 'to');
    if (link === -1 || privileges.size === 0) return;
    const roles = words.slice(link + 1).filter((word) => /^["\w]/.test(word) && !/^(?:cascade|restrict|with|option|group)$/.test(word)).map(unquote);
    const targets = words.slice(on + 1, link);
    const everywhere = targets[0] === 'all' && targets[1] === 'tables';
    const names = everywhere ? [...this.tables.values()].map((table) => table.name) : namesIn(tokens.slice(on + 1, link), targets);
    for (const name of names) this.#setPrivileges(verb, this.table(name), privileges, roles, place);
  }

  #setPrivileges(verb: 'revoke' | 'grant', table: SqlTable, privileges: ReadonlySet<string>, roles: readonly string[], place: Place): void {
    const changes: Change[] = privileges.has('all') ? ['update', 'delete'] : (['update', 'delete'] as const).filter((change) => privileges.has(change));
    for (const role of roles) {
      if (verb === 'revoke') {
        const known = table.revoked.get(role) ?? { changes: new Set<Change>(), place };
        for (const change of changes) known.changes.add(change);
        if (changes.length > 0) table.revoked.set(role, { ...known, place });
        const granted = table.granted.get(role);
        for (const change of changes) granted?.privileges.delete(change);
        if (privileges.has('all')) granted?.privileges.clear();
      } else {
        const known = table.granted.get(role) ?? { privileges: new Set<string>(), place };
        for (const privilege of privileges.has('all') ? ['select', 'insert', 'update', 'delete'] : privileges) known.privileges.add(privilege);
        table.granted.set(role, { ...known, place });
        for (const change of changes) table.revoked.get(role)?.changes.delete(change);
      }
    }
  }

  #change(verb: string, tokens: readonly string[], words: readonly string[], place: Place): void {
    let at = verb === 'delete' && words[1] === 'from' ? 2 : 1;
    while (words[at] === 'table' || words[at] === 'only') at++;
    const [name] = nameAt(tokens, words, at);
    if (!/^\w+$/.test(name) || (verb === 'update' && !words.includes('set'))) return;
    this.tables.get(name.toLowerCase())?.changed.push({ change: verb as Change | 'truncate', place });
  }
}

/** The name at a place, without schema and quotes, and where it ends. */
function nameAt(tokens: readonly string[], words: readonly string[], from: number): [string, number] {
  let at = from;
  if (words[at] === 'if') at += words[at + 1] === 'not' ? 3 : 2;
  if (words[at] === 'concurrently') at++;
  let name = unquote(tokens[at] ?? '');
  while (tokens[at + 1] === '.') {
    at += 2;
    name = unquote(tokens[at] ?? '');
  }
  return [name, at + 1];
}

function namesIn(tokens: readonly string[], words: readonly string[]): string[] {
  const names: string[] = [];
  for (let i = words[0] === 'table' ? 1 : 0; i < tokens.length; i++) {
    if (!/^["`\w[]/.test(tokens[i]!)) continue;
    const [name, next] = nameAt(tokens, words, i);
    names.push(name);
    i = next - 1;
  }
  return names;
}

/** `DELIMITER //` of the MySQL client: statements end with a semicolon again, and every character stays in its place. */
function withoutDelimiters(text: string): string {
  let mark = ';';
  return text
    .split('\n')
    .map((line) => {
      const next = /^\s*delimiter\s+(\S+)\s*$/i.exec(line)?.[1];
      if (next !== undefined) {
        mark = next;
        return ' '.repeat(line.length);
      }
      return mark === ';' ? line : line.replaceAll(mark, ';'.padStart(mark.length));
    })
    .join('\n');
}

function stripComments(body: string): string {
  return body.replace(/--[^\n]*/g, '').replace(/\/\*[\s\S]*?\*\//g, '');
}

function placeOf(sql: SqlText, offset: number, line: number): Place {
  const begin = sql.text.lastIndexOf('\n', offset - 1) + 1;
  const end = sql.text.indexOf('\n', offset);
  return { file: sql.file, line: sql.line + line, snippet: sql.text.slice(begin, end === -1 ? begin + 400 : Math.min(end, begin + 400)).trim().slice(0, 160) };
}

/** Statements with the offset of their first token. A body between BEGIN and END of a trigger belongs to it. */
function statements(text: string): { tokens: string[]; offset: number; line: number }[] {
  const found: { tokens: string[]; offset: number; line: number }[] = [];
  let line = 0;
  let counted = 0;
  const lineAt = (offset: number): number => {
    for (let i = text.indexOf('\n', counted); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) {
      line++;
      counted = i + 1;
    }
    return line;
  };
  let tokens: string[] = [];
  let offset = 0;
  let cursor = 0;
  let inBody = false;
  for (const token of tokenizeSql(text)) {
    const raw = token.startsWith('$$') ? token.slice(2) : token;
    const at = text.indexOf(raw, cursor);
    if (at !== -1) cursor = at + raw.length;
    if (tokens.length === 0) offset = Math.max(0, at);
    if (token === ';' && !inBody) {
      if (tokens.length > 0) found.push({ tokens, offset, line: lineAt(offset) });
      tokens = [];
      continue;
    }
    const word = token.toLowerCase();
    if (word === 'begin' && tokens.some((before) => /^trigger$/i.test(before))) inBody = true;
    else if (word === 'end' && inBody) inBody = false;
    // SQL in a string of code often ends without a semicolon before the next statement.
    tokens.push(token);
  }
  if (tokens.length > 0) found.push({ tokens, offset, line: lineAt(offset) });
  return found;
}
