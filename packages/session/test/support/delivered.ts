import { createId } from '@indelible/event';
import { openDelivery, type Delivery, type DeliveryOptions, type RecordableEvent } from '@indelible/session';

/** An event of a user, now. */
export function eventNow(event: 'login' | 'logout' | 'timeout' | 'extend', userId = 'maria', sessionId?: string): RecordableEvent {
  const timestamp = Date.now();
  return { id: createId(timestamp), timestamp, event, userId, ...(sessionId === undefined ? {} : { sessionId }) };
}

/** An open delivery and what it reported. */
export interface Opened {
  readonly delivery: Delivery;
  readonly errors: { readonly code?: string; readonly message: string; readonly cause?: unknown }[];
  /** The codes, in the order of the reports. */
  codes(): (string | undefined)[];
}

/** Opens a delivery that keeps its reports. */
export async function openReporting(options: Omit<DeliveryOptions, 'onError' | 'timeoutMs' | 'source'> & { readonly timeoutMs?: number }): Promise<Opened> {
  const errors: { code?: string; message: string }[] = [];
  const delivery = await openDelivery({
    timeoutMs: 1_000,
    source: { app: 'bank', instance: 'bank-1' },
    ...options,
    onError: (error) => void errors.push(error as { code?: string; message: string }),
  });
  return { delivery, errors, codes: () => errors.map(({ code }) => code) };
}

/** What happened, without ids and times. */
export function outline(entries: readonly Record<string, unknown>[]): string[] {
  return (entries as readonly { event: string; userId?: string }[]).map(({ event, userId }) => (userId === undefined ? event : `${event} ${userId}`));
}
