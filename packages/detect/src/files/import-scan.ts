// Files that the prefilter holds back are not parsed, but what they import is alive. A regular expression over the text is enough for
// that, and errs on the side of life.
const STATIC = /\b(?:import|export)\s+(?:type\s+)?([\w$*{][^'"`;()=]{0,4000}?)\s*\bfrom\s*['"]([^'"\n]{1,300})['"]/g;
const BARE = /\bimport\s*\(?\s*['"]([^'"\n]{1,300})['"]/g;
const REQUIRED = /(?:\b(?:const|let|var)\s+(\{[^}=]{0,2000}\}|[\w$]+)\s*=\s*)?(?:await\s+)?\b(?:require|import)\s*\(\s*['"]([^'"\n]{1,300})['"]\s*\)/g;
const COMPUTED = /\b(?:require|import)\s*\(\s*(?!['"])[^)\s]|import\.meta\.glob|readdirSync|autoload|require-?(?:all|dir)|globSync/i;

/** What a file imports, without parsing it. */
export interface ScannedImports {
  /** Source and imported names; `*` is everything. */
  readonly imports: readonly { readonly source: string; readonly names: readonly string[] }[];
  /** Loads files whose names are computed. */
  readonly computed: boolean;
}

/** Finds the imports of a text. */
export function scanImports(text: string): ScannedImports {
  const imports: { source: string; names: readonly string[] }[] = [];
  for (const [, clause = '', source = ''] of text.matchAll(STATIC)) imports.push({ source, names: clauseNames(clause) });
  for (const [, source = ''] of text.matchAll(BARE)) imports.push({ source, names: [] });
  for (const [, pattern, source = ''] of text.matchAll(REQUIRED)) imports.push({ source, names: pattern?.startsWith('{') === true ? clauseNames(pattern) : ['*'] });
  return { imports, computed: COMPUTED.test(text) };
}

function clauseNames(clause: string): string[] {
  const names: string[] = [];
  const braces = /\{([^}]*)\}/.exec(clause);
  for (const part of (braces?.[1] ?? '').split(',')) {
    const name = part.trim().replace(/^type\s+/, '').split(/\s+as\s+|\s*:\s*/)[0]?.trim();
    if (name !== undefined && name !== '') names.push(name);
  }
  const outside = clause.replace(/\{[^}]*\}/, '');
  if (outside.includes('*')) names.push('*');
  if (/[\w$]/.test(outside.replace(/\*\s*as\s+[\w$]+/, ''))) names.push('default');
  return names;
}
