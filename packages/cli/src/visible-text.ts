// What the record holds was written by whoever could reach a login form. On a terminal it must stay text: no escape sequences
// (ECMA-48), no C1 controls, no line breaks that fake a line, no overrides of direction that make a line read otherwise (UAX #9).
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text from the record or from a user, as it may stand in a line on a terminal: what could steer it is shown as `\uXXXX`. */
export function visibleText(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for text of several lines: line feeds stay. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visibleText).join('\n');
}
