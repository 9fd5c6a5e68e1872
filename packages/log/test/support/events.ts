import { createSigningKey, parseSigningKey, type Signer } from '@indelible/log';
import type { EventInput } from '@indelible/event';

/** Begin of the time that test events are dated to: past, so that no clock check is met. */
const BEGIN_MS = Date.UTC(2025, 0, 1);

/** A UUIDv7 made of a number: the same number is the same id. */
export function testId(n: number): string {
  const time = (BEGIN_MS + n).toString(16).padStart(12, '0');
  const tail = n.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
}

/** An event made of a number: the same number is the same event, byte for byte, whoever makes it. */
export function testEvent(n: number, more: Partial<EventInput> = {}): EventInput {
  return { id: testId(n), timestamp: BEGIN_MS + n, event: 'login', userId: `user-${n % 17}`, sessionId: `session-${n}`, ...more };
}

/** The number of `testEvent` in an entry's text, or undefined for the log's own entries. */
export function testNumber(entry: string): number | undefined {
  const found = /"sessionId":"session-(\d+)"/.exec(entry);
  return found === null ? undefined : Number(found[1]);
}

/** A signer for tests, with a key of its own. */
export function testSigner(origin = 'test.example/log'): Signer {
  return parseSigningKey(createSigningKey(origin).secret);
}
