const NAME = /^(?:[0-9]{6}|[1-9][0-9]{6,14})\.ndjson$/;

/** File name of the segment with this number. @see docs/spec/record.md §1 */
export function segmentName(segment: number): string {
  return `${String(segment).padStart(6, '0')}.ndjson`;
}

/** Number of the segment with this file name, or undefined where it is not the name of one. */
export function parseSegmentName(name: string): number | undefined {
  return NAME.test(name) ? Number(name.slice(0, -'.ndjson'.length)) : undefined;
}
