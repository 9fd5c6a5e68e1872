/** Size at which a segment is closed and the next begun, by default: 256 MiB. */
export const DEFAULT_SEGMENT_BYTES: number = 256 * 1024 * 1024;
