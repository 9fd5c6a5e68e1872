// What the demonstration prints: plain text of at most 100 columns, with a few colours on a terminal that wants them.

export const WIDTH = 100;
const hasColours = process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
const paint = (code) => (text) => (hasColours ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = paint('1');
export const dim = paint('2');
export const red = paint('31');
export const green = paint('32');
export const yellow = paint('33');

/** Everything printed so far. */
export const printed = [];

export function print(text = '') {
  printed.push(text);
  process.stdout.write(`${text}\n`);
}

export function heading(number, title) {
  print();
  print(bold(`${number}  ${title}`));
  print();
}

/** Prints text broken into lines, all of them indented: as deep as the text itself begins, or as `indent` says. */
export function paragraph(text, { indent = 3, hanging = 0, style = (line) => line } = {}) {
  if (text === '') return print();
  const body = text.trimStart();
  const depth = indent + text.length - body.length;
  const [first, ...rest] = wrap(body, WIDTH - depth - hanging);
  print(' '.repeat(depth) + style(first));
  for (const line of rest) print(' '.repeat(depth + hanging) + style(line));
  return undefined;
}

/** Breaks text between words; a word that is too long, anywhere. */
function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? ['']);
}

/** Cuts text to a column's width. */
export function cell(text, width) {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return cut.padEnd(width);
}
