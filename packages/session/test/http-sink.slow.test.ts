import { createId } from '@indelible/event';
import { httpSink, type HttpSink, type HttpSinkOptions } from '@indelible/session/http';
import { openDelivery } from '@indelible/session';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { eventNow } from './support/delivered.ts';
import { startLogService, type LogService } from './support/log-service.ts';

async function openSink(options: Partial<HttpSinkOptions> = {}): Promise<{ service: LogService; sink: HttpSink }> {
  const service = await startLogService();
  onTestFinished(() => service.close());
  return { service, sink: httpSink({ url: service.url, token: 'secret-token', app: 'bank', instance: 'bank-1', timeoutMs: 2_000, ...options }) };
}

describe('sending', () => {
  it('posts an event as a line, with the token, and resolves to its place', async () => {
    const { service, sink } = await openSink();
    const event = { ...eventNow('login'), details: { password: 'p' } };
    expect(await sink.append(event)).toEqual({ id: event.id, index: 0 });
    expect(service.requests).toMatchObject([{ path: '/v1/events', headers: { authorization: 'Bearer secret-token', 'content-type': 'application/x-ndjson' } }]);
    expect(service.record).toEqual([{ ...event, timestamp: new Date(event.timestamp).toISOString(), app: 'bank', instance: 'bank-1', details: { password: '[redacted]' } }]);
  });

  it('adds its path to that of the url, and takes the token from the environment', async () => {
    vi.stubEnv('INDELIBLE_TOKEN', 'from-environment');
    onTestFinished(() => void vi.unstubAllEnvs());
    const service = await startLogService();
    onTestFinished(() => service.close());
    await httpSink({ url: `${service.url}/audit/` }).append(eventNow('login'));
    expect(service.requests).toMatchObject([{ path: '/audit/v1/events', headers: { authorization: 'Bearer from-environment' } }]);
  });

  it('sends together what comes while a request is under way, in order', async () => {
    const { service, sink } = await openSink();
    const users = Array.from({ length: 2_500 }, (_, i) => `u${i}`);
    const first = sink.append(eventNow('login', 'first'));
    await new Promise((resolve) => setImmediate(resolve));
    const acks = await Promise.all(users.map((user) => sink.append(eventNow('login', user))));
    await first;
    expect(acks.map(({ index }) => index)).toEqual(users.map((_, i) => i + 1));
    expect(service.record.map(({ userId }) => userId)).toEqual(['first', ...users]);
    expect(service.requests.map(({ events }) => events.length)).toEqual([1, 1_000, 1_000, 500]);
  });

  it('refuses what is no event before anything is sent', async () => {
    const { service, sink } = await openSink();
    await expect(sink.append({ event: 'login' })).rejects.toMatchObject({ code: 'ERR_EVENT_FIELD_MISSING' });
    expect(service.requests).toEqual([]);
  });

  it('makes the id and time that an event lacks, so that sending it again is harmless', async () => {
    const { service, sink } = await openSink();
    service.answers.push((_, response) => response.writeHead(503, { 'retry-after': '0' }).end());
    await sink.append({ event: 'logout', userId: 'maria' });
    expect(service.requests).toHaveLength(2);
    expect(service.requests[0]?.events).toEqual(service.requests[1]?.events);
  });
});

describe('a service that is busy', () => {
  it.each([429, 503])('%i: comes back when it is asked to', async (status) => {
    const { service, sink } = await openSink({ timeoutMs: 4_000 });
    service.answers.push((_, response) => response.writeHead(status, { 'retry-after': '1' }).end('busy'));
    const startMs = performance.now();
    expect(await sink.append(eventNow('login'))).toMatchObject({ index: 0 });
    expect(performance.now() - startMs).toBeGreaterThan(950);
  });

  it('understands a date, and tries by itself where it is told nothing', async () => {
    const { service, sink } = await openSink({ timeoutMs: 4_000 });
    service.answers.push((_, response) => response.writeHead(503, { 'retry-after': new Date(Date.now() - 5_000).toUTCString() }).end(), (_, response) => response.writeHead(503).end());
    expect(await sink.append(eventNow('login'))).toMatchObject({ index: 0 });
    expect(service.requests).toHaveLength(3);
  });

  it('gives up at once where that would take too long', async () => {
    const { service, sink } = await openSink();
    service.answers.push((_, response) => response.writeHead(503, { 'retry-after': '60' }).end());
    const startMs = performance.now();
    await expect(sink.append(eventNow('login'))).rejects.toMatchObject({ code: 'ERR_SESSION_SINK_UNAVAILABLE', message: expect.stringContaining('60 s') as string });
    expect(performance.now() - startMs).toBeLessThan(900);
  });
});

describe('a service that does not take it', () => {
  it('is cut off when it hangs', async () => {
    const { service, sink } = await openSink({ timeoutMs: 200 });
    service.answers.push(() => undefined);
    await expect(sink.append(eventNow('login'))).rejects.toMatchObject({ code: 'ERR_SESSION_SINK_UNAVAILABLE', message: expect.stringContaining('200 ms') as string });
  });

  it('is cut off when it answers without end', async () => {
    const { service, sink } = await openSink();
    service.answers.push((_, response) => {
      const more = setInterval(() => response.write('x'.repeat(10_000)), 1);
      response.on('close', () => clearInterval(more));
    });
    await expect(sink.append(eventNow('login'))).rejects.toMatchObject({ code: 'ERR_SESSION_SINK_ANSWER_INVALID' });
  });

  it('breaks the connection, or is not there', async () => {
    const { service, sink } = await openSink();
    service.answers.push((_, response) => void response.destroy());
    await expect(sink.append(eventNow('login'))).rejects.toMatchObject({ code: 'ERR_SESSION_SINK_UNAVAILABLE' });
    await service.close();
    await expect(sink.append(eventNow('login'))).rejects.toMatchObject({ code: 'ERR_SESSION_SINK_UNAVAILABLE' });
  });

  it('never sends the token on to where a redirection points', async () => {
    const [{ service, sink }, other] = [await openSink(), await startLogService()];
    onTestFinished(() => other.close());
    service.answers.push((_, response) => response.writeHead(307, { location: `${other.url}/v1/events` }).end());
    await expect(sink.append(eventNow('login'))).rejects.toMatchObject({ code: 'ERR_SESSION_SINK_UNAVAILABLE', message: expect.stringContaining('another place') as string });
    expect(other.requests).toEqual([]);
  });

  it.each([401, 403])('%i: says that it is the token, without showing it', async (status) => {
    const { service, sink } = await openSink();
    service.answers.push((_, response) => response.writeHead(status).end());
    const error = await sink.append(eventNow('login')).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'ERR_SESSION_SINK_UNAUTHORIZED' });
    expect(JSON.stringify([error, String(error)])).not.toContain('secret-token');
  });

  it.each([400, 409, 413, 422])('%i: refuses the event at fault, and takes the others of the request', async (status) => {
    const { service, sink } = await openSink();
    const hasBad = ({ events }: { events: Record<string, unknown>[] }): boolean => events.some(({ userId }) => userId === 'bad');
    for (let i = 0; i < 20; i++) {
      service.answers.push((received, response) => {
        if (hasBad(received)) response.writeHead(status).end('{"error":{"code":"ERR_LOG_ID_CONFLICT","message":"taken"}}');
        else response.end(received.events.map(({ id }) => `{"id":"${String(id)}","index":7}\n`).join(''));
      });
    }
    const outcomes = await Promise.allSettled(['a', 'b', 'bad', 'c', 'd'].map((user) => sink.append(eventNow('logout', user))));
    expect(outcomes.map(({ status: outcome }) => outcome)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(outcomes[2]).toMatchObject({ reason: { code: 'ERR_SESSION_SINK_REFUSED', cause: { code: 'ERR_LOG_ID_CONFLICT' } } });
  });
});

describe('an answer that is no acknowledgement', () => {
  const other = createId();
  it.each<[string, (id: string) => string]>([
    ['nothing', () => ''],
    ['a page', () => '<html>hello</html>\n'],
    ['no newline at the end', (id) => `{"id":"${id}","index":0}`],
    ['a line too many', (id) => `{"id":"${id}","index":0}\n{"id":"${id}","index":1}\n`],
    ['another id', () => `{"id":"${other}","index":0}\n`],
    ['no index', (id) => `{"id":"${id}"}\n`],
    ['an index as text', (id) => `{"id":"${id}","index":"0"}\n`],
    ['a negative index', (id) => `{"id":"${id}","index":-1}\n`],
    ['half an index', (id) => `{"id":"${id}","index":0.5}\n`],
    ['an index that lost digits', (id) => `{"id":"${id}","index":9007199254740993}\n`],
    ['more than was asked', (id) => `{"id":"${id}","index":0,"more":1}\n`],
    ['a key twice', (id) => `{"id":"${id}","index":0,"index":1}\n`],
    ['null', () => 'null\n'],
  ])('%s', async (_, body) => {
    const { service, sink } = await openSink();
    service.answers.push((received, response) => response.end(body(String(received.events[0]?.['id']))));
    await expect(sink.append(eventNow('login'))).rejects.toMatchObject({ code: 'ERR_SESSION_SINK_ANSWER_INVALID' });
  });
});

describe('behind a delivery', () => {
  it('a service that was away gets everything in order, and a gap that says so', async () => {
    const { service, sink } = await openSink({ timeoutMs: 300 });
    const delivery = await openDelivery({ log: sink, mode: 'strict', timeoutMs: 1_000, source: { app: 'bank', instance: 'bank-1' }, onError: () => undefined });
    for (let i = 0; i < 3; i++) service.answers.push((_, response) => response.writeHead(500).end());
    await expect(delivery.record(eventNow('login', 'x'), 'refusable')).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE', cause: { code: 'ERR_SESSION_SINK_UNAVAILABLE' } });
    for (const user of ['a', 'b', 'c']) await delivery.record(eventNow('logout', user), 'proceeds');
    await expect.poll(() => delivery.pending, { timeout: 5_000 }).toBe(0);
    await delivery.close();
    expect(service.record.map(({ event, userId }) => [event, userId])).toEqual([['logout', 'a'], ['logout', 'b'], ['logout', 'c'], ['capture_gap', undefined]]);
  });
});

describe('options', () => {
  it.each<[string, Partial<HttpSinkOptions>]>([
    ['url', { url: 'audit.example' }],
    ['url', { url: 'ftp://audit.example' }],
    ['url', { url: 'https://user:hunter2@audit.example' }],
    ['url', { url: 'https://audit.example/?token=x' }],
    ['plainHttp', { url: 'http://audit.example' }],
    ['plainHttp', { url: 'http://127.0.0.1.example.com' }],
    ['token', { token: 'two words' }],
    ['token', { token: 'a\r\nx: y' }],
    ['timeoutMs', { timeoutMs: 0 }],
  ])('names %s when it is wrong', (name, wrong) => {
    const error = (() => {
      try {
        httpSink({ url: 'https://audit.example', ...wrong });
        return undefined;
      } catch (failure) {
        return failure;
      }
    })();
    expect(error).toMatchObject({ code: 'ERR_SESSION_OPTION_INVALID', message: expect.stringContaining(name) as string });
    expect(String(error)).not.toMatch(/hunter2|two words|x: y/);
  });

  it('may be http where that is accepted', () => {
    expect(httpSink({ url: 'http://audit.internal', plainHttp: 'accept' })).toBeDefined();
  });
});
