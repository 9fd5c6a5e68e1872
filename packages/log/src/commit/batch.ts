/**
 * Encoded entries on their way to the record, in one piece of memory.
 *
 * `bytes[0]` is free; the entries follow, each with its LF. The byte before an entry (the free one, or the LF of the entry
 * before) becomes the 0x00 of its leaf hash for as long as the hash takes, so that nothing is copied.
 */
export interface Batch {
  readonly bytes: Uint8Array;
  /** Length in bytes of each entry without its LF. */
  readonly lengths: Uint32Array;
}

/** Where the entries of a batch are on the record. */
export interface Placement {
  /** Index of the first entry that was added; those after it follow one by one. */
  readonly first: number;
  /**
   * Only where an entry was not added: the index of each entry in turn. A retry has the index of the first try; -1 says that
   * the id is taken by an entry with other content.
   */
  readonly indexes?: Float64Array;
}

/** The text of a batch: the free byte, and each entry with its LF. */
export function formatBatchText(lines: readonly string[]): string {
  return lines.length === 1 ? `\n${lines[0]!}\n` : `\n${lines.join('\n')}\n`;
}

/** Fills in the length of each entry in a text that takes `textBytes` in UTF-8. */
export function writeLengths(lines: readonly string[], text: string, textBytes: number, lengths: Uint32Array): void {
  const ascii = textBytes === text.length; // as nearly always
  for (let i = 0; i < lines.length; i++) lengths[i] = ascii ? lines[i]!.length : Buffer.byteLength(lines[i]!, 'utf8');
}

/** Puts encoded entries into one batch. */
export function encodeBatch(lines: readonly string[]): Batch {
  const text = formatBatchText(lines);
  const bytes = new TextEncoder().encode(text);
  const lengths = new Uint32Array(lines.length);
  writeLengths(lines, text, bytes.length, lengths);
  return { bytes, lengths };
}
