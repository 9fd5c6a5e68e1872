// Snippets and names come from the codebase. On a terminal or in a comment they must stay text: no escape sequences (ECMA-48), no controls,
// nothing that changes the direction of a line (UAX #9).
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text from a codebase as it may stand in a line. */
export function plain(text: string): string {
  return text.replace(UNSAFE, (character) => (character === '\t' ? ' ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** Text as it may stand in Markdown: nothing in it is markup, a link or a mention. */
export function markdownText(text: string): string {
  return plain(text).replace(/[\\`*_{}[\]<>()#+!|~@]/g, (sign) => `\\${sign}`);
}

/** Text as code in Markdown. */
export function markdownCode(text: string): string {
  const inner = plain(text).replaceAll('`', 'ˋ').replaceAll('|', '\\|');
  return inner === '' ? '' : `\`${inner}\``;
}
