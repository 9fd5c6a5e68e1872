import type { EventInput } from '@indelible/event';
import { sessionLogger, type LogPort, type SessionDetails, SessionError } from '@indelible/session';
import { describe, expect, it } from 'vitest';
import { fakeLog } from './support/fake-log.ts';

/** The event that a call hands to its log. */
async function eventOf(details: unknown): Promise<EventInput> {
  const events: EventInput[] = [];
  const log: LogPort = { append: async (event) => ({ id: 'x', index: events.push(event) - 1 }) };
  await sessionLogger({ log })('maria', 'login', details as SessionDetails);
  return events[0] as EventInput;
}

async function refusalOf(details: unknown): Promise<SessionError> {
  const refused: unknown = await eventOf(details).then(() => undefined, (error: unknown) => error);
  if (refused instanceof SessionError) return refused;
  throw new Error('nothing was refused');
}

describe('details', () => {
  it('become fields where an entry has them, and stay details where not', async () => {
    const fields = {
      sessionId: 'S-1', sidHash: 'h', prev: '019aa1b2-c3d4-7e5f-8a6b-0123456789ab', outcome: 'success', reason: 'why', initiator: 'user',
      ip: '192.0.2.1', userAgent: 'UA', resource: '/login', idleDeadline: 1, absoluteDeadline: new Date(2), policy: 'p', app: 'a',
      instance: 'i', tenant: 't',
    };
    const others = { device: { family: 'Firefox' }, attempts: 3, nothing: null };
    const { details, ...rest } = await eventOf({ ...fields, ...others });
    expect(rest).toEqual({ ...fields, userId: 'maria', event: 'login' });
    expect({ ...details }).toEqual(others);
  });

  it('may be left out, be empty, or hold undefined', async () => {
    for (const details of [undefined, {}, { ip: undefined, device: undefined, timestamp: undefined }]) {
      expect(await eventOf(details)).toEqual({ userId: 'maria', event: 'login' });
    }
  });

  it.each(['timestamp', 'userId', 'event', 'id', 'recordedAt', 'clockAheadMs', 'details', 'envelope', 'indelible'])('must not have %s', async (key) => {
    const refused = await refusalOf({ ip: '192.0.2.1', [key]: 'secret value' });
    expect(refused).toMatchObject({ name: 'SessionError', code: 'ERR_SESSION_DETAILS_RESERVED', field: key });
    expect(refused.message).toMatch(new RegExp(`^details must not have ${key}: .{20,}`));
    expect(refused.message).not.toContain('secret value');
  });

  it.each([['null', null], ['text', 'text'], ['an array', [1]], ['a Map', new Map([['ip', '::1']])], ['an error', new Error('x')]])(
    'must be a plain object, not %s',
    async (_name, details) => {
      expect(await refusalOf(details)).toMatchObject({ code: 'ERR_SESSION_DETAILS_INVALID' });
    },
  );

  it('run no code of the object', async () => {
    const details = { get ip(): string { throw new Error('was run'); } };
    expect(await refusalOf(details)).toMatchObject({ code: 'ERR_SESSION_DETAILS_INVALID', field: 'ip' });
  });

  it('cannot change what the object inherits', async () => {
    const log = sessionLogger({ log: fakeLog() });
    const hostile = JSON.parse('{"__proto__":{"userId":"mallory"}}') as SessionDetails;
    await expect(log('maria', 'login', hostile)).rejects.toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'details.__proto__' });
    expect(({} as { userId?: string }).userId).toBeUndefined();
  });

  it('leave the subject and the event alone, whatever they are', async () => {
    const log = fakeLog();
    await sessionLogger({ log })('maria', 'extension', { user: 'mallory', type: 'login', device: 'phone' });
    expect(log.entries).toMatchObject([{ userId: 'maria', event: 'extend', details: { user: 'mallory', type: 'login', device: 'phone' } }]);
  });

  it('have their secrets redacted by the log', async () => {
    const log = fakeLog();
    await sessionLogger({ log })('maria', 'login', { password: 'hunter2', resource: '/login?token=open-sesame' });
    expect(JSON.stringify(log.entries)).not.toMatch(/hunter2|sesame/);
  });
});
