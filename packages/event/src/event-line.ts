import type { EventInput } from './event-input.ts';
import { describeValue, EventError } from './error.ts';
import { parseJsonStrict } from './json.ts';
import { exceedsEntry, MAX_ENTRY_BYTES } from './text.ts';

// ignoreBOM: the mark stays in the text, where the parser refuses it.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses one event as text, as it arrives on a command line or over HTTP.
 *
 * Strict about the JSON only (see {@link parseJsonStrict}); the fields are checked by {@link encodeEvent}, which
 * every event passes. Its cost is bounded by the limit of an entry, whatever the length of the input.
 *
 * @param line - One line; white space around the object (a carriage return, say) is no error.
 * @throws EventError `ERR_EVENT_TOO_LARGE` above 65,535 bytes, before anything is parsed;
 * `ERR_EVENT_JSON_INVALID` for anything but UTF-8, strict JSON and an object.
 */
export function parseEventLine(line: Uint8Array | string): EventInput {
  const value = parseJsonStrict(decodeLine(line));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new EventError('ERR_EVENT_JSON_INVALID', `an event must be a JSON object, not ${describeValue(value)}`, { position: 0 });
  }
  return value as EventInput;
}

/**
 * Decodes a line that claims to be an event or an entry.
 *
 * @throws EventError `ERR_EVENT_TOO_LARGE`, `ERR_EVENT_JSON_INVALID`
 */
export function decodeLine(line: Uint8Array | string): string {
  const large = typeof line === 'string' ? line.length > MAX_ENTRY_BYTES || exceedsEntry(line) : line.length > MAX_ENTRY_BYTES;
  if (large) {
    throw new EventError('ERR_EVENT_TOO_LARGE', `the line is larger than an entry may be (${MAX_ENTRY_BYTES} bytes)`);
  }
  if (typeof line === 'string') return line;
  try {
    return UTF8.decode(line);
  } catch (cause) {
    throw new EventError('ERR_EVENT_JSON_INVALID', 'the line is not UTF-8', { cause });
  }
}
