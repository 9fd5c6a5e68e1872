/** What precedes a position in a header: the element that ends there, and where the one before it ends (-1: there is none). */
interface Element {
  readonly text: string;
  readonly rest: number;
}

/** Longest element that is looked at; an address with brackets and port has at most 54 characters, the rest is other parameters. */
const MAX_ELEMENT_CHARACTERS = 1_024;

/**
 * The elements of `X-Forwarded-For`, from the last to the first, empty ones left out.
 *
 * The last one was written by the proxy next to us, everything before it came to that proxy from outside: so reading goes from
 * the end, and stops where belief does. Linear in what is read, whatever the rest holds.
 */
export function* readForwardedFor(lines: readonly string[]): Generator<string> {
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at] ?? '';
    for (let end = line.length; end >= 0; ) {
      const comma = end === 0 ? -1 : line.lastIndexOf(',', end - 1);
      const text = clip(line, comma + 1, end);
      if (text !== '') yield text;
      end = comma;
    }
  }
}

/**
 * The `for` parameters of `Forwarded`, from the last element to the first; `''` for an element without one, or not to be read.
 *
 * Quotes are matched from the end too, so that one which a client left open cannot swallow what a proxy wrote behind it.
 *
 * @see RFC 7239, section 4
 */
export function* readForwarded(lines: readonly string[]): Generator<string> {
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at] ?? '';
    for (let end = line.length; end >= 0; ) {
      const { text, rest } = elementBefore(line, end);
      if (text !== '') yield forParameter(text) ?? '';
      end = rest;
    }
  }
}

function elementBefore(line: string, end: number): Element {
  let quoted = false;
  for (let at = end - 1; at >= 0; at--) {
    const char = line[at];
    if (char === '"' && !isEscaped(line, at)) quoted = !quoted;
    else if (char === ',' && !quoted) return { text: clip(line, at + 1, end), rest: at };
  }
  return { text: clip(line, 0, end), rest: -1 };
}

/** Whether an odd number of backslashes stands before; looks at no more than an element may have. */
function isEscaped(line: string, at: number): boolean {
  let from = at;
  while (from > 0 && at - from < MAX_ELEMENT_CHARACTERS && line[from - 1] === '\\') from--;
  return (at - from) % 2 === 1;
}

/** The value of `for`, unquoted; `undefined` unless the whole element is well formed and has it exactly once. */
function forParameter(element: string): string | undefined {
  const pair = /[\t ]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([^\s";,=]+)|"((?:[^"\\]|\\.)*)")[\t ]*(?:;|$)/y;
  let value: string | undefined;
  while (pair.lastIndex < element.length) {
    const match = pair.exec(element);
    if (match === null) return undefined;
    if (match[1]?.toLowerCase() !== 'for') continue;
    if (value !== undefined) return undefined;
    value = match[2] ?? match[3]?.replace(/\\(.)/g, '$1') ?? '';
  }
  return value;
}

/** The trimmed text between two positions; a text that is too long to be an element becomes one that is no address. */
function clip(line: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (start < end && isBlank(line.charCodeAt(end - 1))) end--;
  return end - start > MAX_ELEMENT_CHARACTERS ? '?' : line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
