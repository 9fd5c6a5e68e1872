import { createId, encodeEvent, type EventInput } from '@indelible/event';
import type { LogPort } from '@indelible/session';

/** A log that encodes what it is given, as a real one does, and keeps the entries. */
export function fakeLog(): LogPort & { readonly entries: Record<string, unknown>[] } {
  const entries: Record<string, unknown>[] = [];
  return {
    entries,
    async append(event: EventInput) {
      const entry = JSON.parse(encodeEvent({ id: createId(), ...event })) as { id: string };
      entries.push(entry);
      return { id: entry.id, index: entries.length - 1 };
    },
  };
}
