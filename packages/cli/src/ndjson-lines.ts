/** A line of input, without its LF. */
export interface InputLine {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Thrown behind the last good line when the next one is longer than allowed; no more of it is read than that. */
export class LineTooLong extends Error {
  readonly number: number;

  constructor(number: number) {
    super(`line ${number} is too long`);
    this.number = number;
  }
}

const LF = 0x0a;
const CR = 0x0d;

/**
 * Splits a stream into lines, as many at a time as a piece of the stream completes. The last line needs no LF. Memory is one
 * piece and one line, however long a line the stream has.
 *
 * @throws LineTooLong after everything before that line has been handed out.
 */
export async function* readInputLines(input: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<readonly InputLine[], void, undefined> {
  let number = 0;
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  for await (const piece of input) {
    const lines: InputLine[] = [];
    let at = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, at)) {
      const rest = piece.subarray(at, end);
      const bytes = begunBytes === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      begunBytes = 0;
      at = end + 1;
      number++;
      if (isTooLong(bytes, maxBytes)) {
        yield lines;
        throw new LineTooLong(number);
      }
      lines.push({ number, bytes });
    }
    if (at < piece.length) {
      begun.push(piece.subarray(at));
      begunBytes += piece.length - at;
    }
    if (lines.length > 0) yield lines;
    if (begunBytes > maxBytes + 1) throw new LineTooLong(number + 1);
  }
  if (begunBytes === 0) return;
  const bytes = Buffer.concat(begun);
  if (isTooLong(bytes, maxBytes)) throw new LineTooLong(number + 1);
  yield [{ number: number + 1, bytes }];
}

/** The CR of a CRLF does not count. */
function isTooLong(line: Uint8Array, maxBytes: number): boolean {
  return line.length > maxBytes + 1 || (line.length > maxBytes && line.at(-1) !== CR);
}
