const MAX_BRACKETS = 2_000;
const MAX_RUN = 9_000;
const MAX_ELSE = 4_000;
const SAFE_LENGTH = 10_000;

/**
 * Whether a text could nest deeper than a parser's stack. The parser is native code: there, an overflow ends the process.
 * Counts open brackets, and operators and words between statements; texts of less than ten thousand characters cannot.
 */
export function nestsTooDeep(text: string): boolean {
  if (text.length < SAFE_LENGTH) return false;
  let open = 0;
  let parens = 0;
  let run = 0;
  let word = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isWord = (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 95 || c === 36 || c > 127;
    if (isWord) {
      if (!word) run++;
      word = true;
      continue;
    }
    word = false;
    if (c === 39 || c === 34) i = stringEnd(text, i, c);
    else if (c === 47 && text.charCodeAt(i + 1) === 47) i = end(text.indexOf('\n', i), text);
    else if (c === 47 && text.charCodeAt(i + 1) === 42) i = end(text.indexOf('*/', i + 2), text) + 1;
    else if (c === 40 || c === 91 || c === 123) {
      open++;
      run = c === 123 ? 0 : run + 1;
      if (c === 40) parens++;
      if (open > MAX_BRACKETS) return true;
    } else if (c === 41 || c === 93 || c === 125) {
      if (open > 0) open--;
      if (c === 41 && parens > 0) parens--;
      if (c === 125) run = 0;
    } else if (c === 59 && parens === 0) run = 0;
    else if (c === 44) run = 0;
    else if (c > 32) run++;
    if (run > MAX_RUN) return true;
  }
  return run > MAX_RUN || countElse(text) > MAX_ELSE;
}

function end(at: number, text: string): number {
  return at === -1 ? text.length : at;
}

function stringEnd(text: string, from: number, quote: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === quote || c === 10) return i;
    if (c === 92) i++;
  }
  return text.length;
}

function countElse(text: string): number {
  let count = 0;
  for (let at = text.indexOf('else'); at !== -1; at = text.indexOf('else', at + 4)) count++;
  return count;
}
