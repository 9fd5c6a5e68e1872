// oxlint-disable-next-line no-control-regex -- U+0001 stands for a piece of the text that is not known
const TOKEN = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|(\$[A-Za-z_]*\$)|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`[^`]*`?|\[[A-Za-z_]\w*\]|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[$:@][\w]+|\d+(?:\.\d+)?|\u0001|[^\s]/g;

/**
 * Takes SQL apart: words, quoted names, strings, signs. Comments fall away; a dollar-quoted body is one token. Works in one pass over
 * the text and gives up nowhere, as a migration may hold anything.
 */
export function tokenizeSql(sql: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(sql); match !== null; match = TOKEN.exec(sql)) {
    const [token, tag] = match;
    if (token.startsWith('--') || token.startsWith('/*')) continue;
    if (tag !== undefined) {
      const close = sql.indexOf(tag, TOKEN.lastIndex);
      const end = close === -1 ? sql.length : close;
      tokens.push(`$$${sql.slice(TOKEN.lastIndex, end)}`);
      TOKEN.lastIndex = Math.min(sql.length, end + tag.length);
    } else tokens.push(token);
  }
  return tokens;
}

/** A name without its quotes. */
export function unquote(token: string): string {
  if (token.length >= 2 && (token.startsWith('"') || token.startsWith('`') || token.startsWith('['))) return token.slice(1, -1);
  return token;
}
