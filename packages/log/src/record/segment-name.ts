const SEGMENT_NAME = /^(?:[0-9]{6}|[1-9][0-9]{6,14})\.ndjson$/;

/** The file name of a segment (docs/spec/record.md §1). */
export function formatSegmentName(segment: number): string {
  return `${String(segment).padStart(6, '0')}.ndjson`;
}

/** The number of the segment with this file name, or undefined for any other file. */
export function parseSegmentName(name: string): number | undefined {
  return SEGMENT_NAME.test(name) ? Number(name.slice(0, -'.ndjson'.length)) : undefined;
}
