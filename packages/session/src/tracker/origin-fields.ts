import type { Origin } from '../request-origin.ts';

/** Longer claims of a client are cut: an entry has 64 KiB for everything. */
const MAX_AGENT_CHARACTERS = 1024;
const MAX_RESOURCE_CHARACTERS = 2048;
const MAX_IP_CHARACTERS = 128;
const ELLIPSIS = '…';

/** The origin of an event as fields that every log takes: cut where it is too long, with U+FFFD for what no text can hold. */
export function originFields(origin: Origin): Origin {
  const fields: { ip?: string; userAgent?: string; resource?: string } = {};
  if (typeof origin.ip === 'string' && origin.ip !== '') fields.ip = recordable(origin.ip, MAX_IP_CHARACTERS);
  if (typeof origin.userAgent === 'string') fields.userAgent = recordable(origin.userAgent, MAX_AGENT_CHARACTERS);
  if (typeof origin.resource === 'string') fields.resource = recordable(origin.resource, MAX_RESOURCE_CHARACTERS);
  return fields;
}

/** Text as an entry can hold it: no NUL, no lone surrogate, at most so many characters. */
function recordable(text: string, maxCharacters: number): string {
  const short = text.length > maxCharacters ? text.slice(0, maxCharacters - 1) + ELLIPSIS : text;
  // Every runtime that we support has toWellFormed; the declarations of ES2023 do not.
  return (short as string & { toWellFormed(): string }).toWellFormed().replaceAll('\0', '\ufffd');
}
