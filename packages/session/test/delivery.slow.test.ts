import { openDelivery, type LogPort, type SessionError } from '@indelible/session';
import { factId } from '@indelible/event';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventNow, openReporting, outline } from './support/delivered.ts';
import { switchLog, type Behaviour, type SwitchLog } from './support/switch-log.ts';

async function openStrict(options: { batches?: boolean; timeoutMs?: number } = {}) {
  const log: SwitchLog = await switchLog(options);
  const opened = await openReporting({ log, mode: 'strict', timeoutMs: options.timeoutMs ?? 400 });
  onTestFinished(async () => {
    log.behaviour = 'up';
    await opened.delivery.close();
    await log.close();
  });
  return { log, ...opened };
}

describe('while the log answers', () => {
  it('records both kinds at once and says where', async () => {
    const { log, delivery, errors } = await openStrict();
    const login = eventNow('login');
    expect(await delivery.record(login, 'refusable')).toEqual({ id: login.id, index: 1, delayed: false });
    expect(await delivery.record(eventNow('logout'), 'proceeds')).toMatchObject({ index: 2, delayed: false });
    expect(await log.entries()).toMatchObject([
      { id: login.id, event: 'login', app: 'bank', instance: 'bank-1' },
      { event: 'logout', app: 'bank' },
    ]);
    expect([delivery.pending, errors]).toEqual([0, []]);
  });

  it('rejects what is no event, whatever its kind, and records nothing', async () => {
    const { log, delivery, errors } = await openStrict();
    for (const kind of ['refusable', 'proceeds'] as const) {
      await expect(delivery.record({ ...eventNow('logout'), userId: undefined }, kind)).rejects.toMatchObject({ code: 'ERR_EVENT_FIELD_MISSING' });
    }
    expect([await log.entries(), errors, log.calls]).toEqual([[], [], 0]);
  });

  it('rejects an id that another event has', async () => {
    const { delivery } = await openStrict();
    const event = eventNow('logout');
    await delivery.record(event, 'proceeds');
    await expect(delivery.record({ ...event, userId: 'otto' }, 'proceeds')).rejects.toMatchObject({ code: 'ERR_LOG_ID_CONFLICT' });
  });
});

describe.each<Behaviour>(['down', 'hangs'])('strict, while the log %s', (behaviour) => {
  it('refuses a login within the time limit', async () => {
    const { log, delivery } = await openStrict();
    log.behaviour = behaviour;
    const startMs = performance.now();
    const refused = await delivery.record(eventNow('login'), 'refusable').catch((error: SessionError) => error);
    expect(refused).toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE', cause: { code: behaviour === 'down' ? 'ECONNREFUSED' : 'ERR_SESSION_TIME_LIMIT' } });
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(delivery.pending).toBe(0);
    log.behaviour = 'up';
    expect(await delivery.record(eventNow('login', 'otto'), 'refusable')).toMatchObject({ delayed: false });
    expect(outline(await log.entries())).toEqual(['login otto']);
  });

  it.each([true, false])('lets a logout proceed, delivers in order and says what was delayed (batches: %s)', async (batches) => {
    const { log, delivery, codes } = await openStrict({ batches });
    log.behaviour = behaviour;
    const fromMs = Date.now();
    for (const user of ['a', 'b', 'c']) expect(await delivery.record(eventNow('logout', user), 'proceeds')).toMatchObject({ delayed: true });
    const startMs = performance.now();
    expect(await delivery.record(eventNow('timeout', 'd'), 'proceeds')).toMatchObject({ delayed: true });
    expect(performance.now() - startMs).toBeLessThan(300); // nobody waits for the limit twice
    expect([delivery.pending, codes()]).toEqual([4, ['ERR_SESSION_DELAYED']]);
    log.behaviour = 'up';
    await delivery.drain();
    const entries = await log.entries();
    expect(outline(entries)).toEqual(['logout a', 'logout b', 'logout c', 'timeout d', 'capture_gap']);
    const { details } = entries.at(-1) as { details: { from: string; to: string } };
    expect(entries.at(-1)).toMatchObject({ app: 'bank', instance: 'bank-1', details: { count: 4, cause: behaviour === 'down' ? 'ECONNREFUSED' : 'ERR_SESSION_TIME_LIMIT' } });
    expect(Object.keys(details).sort()).toEqual(['cause', 'count', 'from', 'to']);
    expect(Date.parse(details.from)).toBeGreaterThanOrEqual(fromMs);
    expect(Date.parse(details.to)).toBeGreaterThanOrEqual(Date.parse(details.from));
    expect([delivery.pending, codes()]).toEqual([0, ['ERR_SESSION_DELAYED']]);
  });

  it('comes back by itself', async () => {
    const { log, delivery } = await openStrict();
    log.behaviour = behaviour;
    await delivery.record(eventNow('logout', 'a'), 'proceeds');
    log.behaviour = 'up';
    await expect.poll(() => delivery.pending, { timeout: 5_000 }).toBe(0);
    expect(outline(await log.entries())).toEqual(['logout a', 'capture_gap']);
  });

  it('drain says that the log still does not take it, and close that memory was lost', async () => {
    const { log, delivery, errors } = await openStrict({ timeoutMs: 200 });
    log.behaviour = behaviour;
    await delivery.record(eventNow('logout', 'a'), 'proceeds');
    await expect(delivery.drain()).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DELIVERED' });
    await delivery.close();
    expect(errors.at(-1)).toMatchObject({ code: 'ERR_SESSION_EVENT_LOST', message: expect.stringContaining('1 events') as string });
    await expect(delivery.record(eventNow('logout'), 'proceeds')).rejects.toMatchObject({ code: 'ERR_SESSION_DELIVERY_CLOSED' });
  });
});

describe('delivered later', () => {
  it('is on the record once when only the answer was lost', async () => {
    const { log, delivery } = await openStrict();
    log.behaviour = 'mute'; // records, and says nothing
    await delivery.record(eventNow('logout', 'a'), 'proceeds');
    await expect(delivery.record(eventNow('login', 'b'), 'refusable')).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
    log.behaviour = 'up';
    await delivery.drain();
    expect(outline(await log.entries())).toEqual(['logout a', 'login b', 'capture_gap']);
  });

  it('makes one gap an outage', async () => {
    const { log, delivery } = await openStrict();
    for (const user of ['a', 'b']) {
      log.behaviour = 'down';
      await delivery.record(eventNow('logout', user), 'proceeds');
      log.behaviour = 'up';
      await delivery.drain();
    }
    expect(outline(await log.entries())).toEqual(['logout a', 'capture_gap', 'logout b', 'capture_gap']);
  });

  it('is not held up by an event that the log refuses for good, which is reported and counted', async () => {
    const { log, delivery, errors } = await openStrict();
    const first = eventNow('logout', 'a');
    await delivery.record(first, 'proceeds');
    log.behaviour = 'down';
    await delivery.record(eventNow('logout', 'b'), 'proceeds');
    await delivery.record({ ...first, userId: 'mallory' }, 'proceeds');
    await delivery.record(eventNow('logout', 'c'), 'proceeds');
    log.behaviour = 'up';
    await delivery.drain();
    const entries = await log.entries();
    expect(outline(entries)).toEqual(['logout a', 'logout b', 'logout c', 'capture_gap']);
    expect(entries.at(-1)).toMatchObject({ details: { count: 2, refused: 1 } });
    expect(errors.find(({ code }) => code === 'ERR_SESSION_REFUSED')).toMatchObject({ cause: { code: 'ERR_LOG_ID_CONFLICT' } });
  });

  it('takes an id made from a fact for recorded when another observer has recorded it', async () => {
    const { log, delivery, codes } = await openStrict();
    const timestamp = Date.now() - 1_000;
    const timeout = { ...eventNow('timeout', 'a'), timestamp, id: factId(timestamp, 'timeout', 's-1') };
    await log.append({ ...timeout, app: 'bank', instance: 'bank-2' });
    log.behaviour = 'down';
    await delivery.record(timeout, 'proceeds');
    log.behaviour = 'up';
    await delivery.drain();
    expect(outline(await log.entries())).toEqual(['timeout a', 'capture_gap']);
    expect(codes()).toEqual(['ERR_SESSION_DELAYED']);
  });

  it.each([true, false])('is not refused because the clock was set back meanwhile: its time is lowered, and says so (batches: %s)', async (batches) => {
    const log = await switchLog({ batches });
    let aheadMs = 20 * 60_000;
    const { delivery, codes } = await openReporting({ log, mode: 'strict', timeoutMs: 100, nowMs: () => Date.now() + aheadMs });
    log.behaviour = 'down';
    const ahead = { ...eventNow('logout', 'a'), timestamp: Date.now() + aheadMs, details: { why: 'x' } };
    await delivery.record(ahead, 'proceeds');
    aheadMs = 0;
    await delivery.record(eventNow('logout', 'b'), 'proceeds');
    log.behaviour = 'mute'; // records, and says nothing: a second attempt finds the id taken
    await delivery.drain().catch(() => undefined);
    log.behaviour = 'up';
    await delivery.drain();
    const entries = await log.entries();
    expect(outline(entries)).toEqual(['logout a', 'logout b', 'capture_gap']);
    expect(entries[0]).toMatchObject({ id: ahead.id, details: { why: 'x' } });
    const { timestamp, details } = entries[0] as unknown as { timestamp: string; details: { clockBehindMs: number } };
    expect(Date.parse(timestamp) + details.clockBehindMs).toBe(ahead.timestamp);
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(Date.now());
    expect(entries[2]).toMatchObject({ details: { count: 2 } });
    expect(codes()).toEqual(['ERR_SESSION_DELAYED']);
    await delivery.close();
    await log.close();
  });

  it('waits for the clock of a log that is behind this machine\'s, and holds on to the event', async () => {
    const { log, delivery, codes } = await openStrict();
    log.behaviour = 'down';
    await delivery.record(eventNow('logout', 'a'), 'proceeds');
    const append = log.append.bind(log);
    log.behaviour = 'up';
    log.append = () => Promise.reject(Object.assign(new Error('ahead'), { code: 'ERR_EVENT_CLOCK_AHEAD' }));
    delete log.appendAll;
    await expect(delivery.drain()).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DELIVERED' });
    expect(delivery.pending).toBe(1);
    log.append = append;
    await delivery.drain();
    expect(outline(await log.entries())).toEqual(['logout a', 'capture_gap']);
    expect(codes()).not.toContain('ERR_SESSION_REFUSED');
  });

  it('redacts what waits, and says the same as the event itself would have', async () => {
    const { log, delivery } = await openStrict();
    log.behaviour = 'down';
    const event = { ...eventNow('logout', 'a'), userAgent: 'x'.repeat(200), details: { token: 'abcdef', list: [1, { password: 'p' }] } };
    await delivery.record(event, 'proceeds');
    log.behaviour = 'up';
    await delivery.drain();
    expect((await log.append({ ...event, app: 'bank', instance: 'bank-1' })).index).toBe(1); // the same fact: no conflict
    expect(JSON.stringify(await log.entries())).not.toContain('abcdef');
  });

  it('loses nothing silently when memory is full: reported, and counted in the gap', async () => {
    const { log, delivery, errors } = await openStrict();
    log.behaviour = 'down';
    const large = 'x'.repeat(60_000);
    const count = 1_200; // 64 MiB hold fewer
    for (let i = 0; i < count; i++) await delivery.record({ ...eventNow('logout', `u${i}`), details: { large } }, 'proceeds');
    const lost = errors.filter(({ code }) => code === 'ERR_SESSION_EVENT_LOST');
    expect(delivery.pending).toBeLessThan(count);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(10); // not one for each
    expect(lost[0]).toMatchObject({ cause: { code: 'ERR_SESSION_QUEUE_FULL' } });
    const kept = delivery.pending;
    log.behaviour = 'up';
    await delivery.drain();
    expect((await log.entries()).at(-1)).toMatchObject({ event: 'capture_gap', details: { count: kept, lost: count - kept } });
    await delivery.close();
    const said = errors.filter(({ code }) => code === 'ERR_SESSION_EVENT_LOST').map(({ message }) => Number.parseInt(message, 10));
    expect(said.reduce((sum, n) => sum + n, 0)).toBe(count - kept);
  });
});

describe('options', () => {
  const log: LogPort = { append: () => Promise.reject(new Error('unused')) };
  it.each([
    ['log', { log: {} as LogPort }],
    ['mode', { mode: 'loose' as 'strict' }],
    ['spool', { mode: 'spool' as const }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: 2 ** 31 }],
    ['spool.directory', { spool: { directory: '', key: new Uint8Array(32) } }],
    ['spool.key', { spool: { directory: 'spool' } }],
    ['spool.key', { spool: { directory: 'spool', key: new Uint8Array(31) } }],
    ['spool.maxBytes', { spool: { directory: 'spool', key: new Uint8Array(32), maxBytes: 0.5 } }],
    ['spool.ephemeral', { spool: { directory: 'spool', key: new Uint8Array(32), ephemeral: 'yes' as 'accept-loss' } }],
  ])('names %s when it is wrong', async (name, wrong) => {
    await expect(openDelivery({ log, mode: 'strict', timeoutMs: 100, ...wrong })).rejects.toMatchObject({ code: 'ERR_SESSION_OPTION_INVALID', message: expect.stringContaining(name) as string });
  });
});
