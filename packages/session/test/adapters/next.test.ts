import { currentOrigin, type SessionTracker } from '@indelible/session';
import { nextTracker, withActionOrigin, withOrigin } from '@indelible/session/next';
import { afterEach, describe, expect, it, vi } from 'vitest';

const HEADERS = new Headers({ 'x-forwarded-for': '192.0.2.66, 198.51.100.7', 'user-agent': 'Firefox' });

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('withOrigin', () => {
  it('gives a route handler the origin of its request, as far as the proxy vouches for it', async () => {
    const handler = withOrigin((_request: Request, context: { id: number }) => ({ ...currentOrigin(), ...context }), { trustProxy: 1 });
    expect(handler(new Request('http://host/api/balance?x=1', { headers: HEADERS }), { id: 7 })).toEqual({
      ip: '198.51.100.7', userAgent: 'Firefox', resource: '/api/balance', id: 7,
    });
  });

  it('believes no header where no proxy is trusted', () => {
    const handler = withOrigin(() => currentOrigin()?.ip);
    expect(handler(new Request('http://host/', { headers: HEADERS }))).toBeUndefined();
  });

  it('gives a server action the origin of the request that it is called by, and its answer back', async () => {
    const action = withActionOrigin((a: number, b: number) => [a + b, currentOrigin()], { headers: async () => HEADERS, trustProxy: 1, resource: 'add' });
    expect(await action(1, 2)).toEqual([3, { ip: '198.51.100.7', userAgent: 'Firefox', resource: 'add' }]);
    expect(currentOrigin()).toBeUndefined();
  });
});

describe('nextTracker', () => {
  const tracker = { close: async () => undefined } as unknown as SessionTracker;
  let count = 0;
  const name = (): string => `test-${count++}`;

  it('opens once in a process, however many copies of the module ask', async () => {
    const open = vi.fn(async () => ({ tracker }));
    const shared = name();
    const [a, b] = [nextTracker(open, shared), nextTracker(open, shared)];
    expect(await Promise.all([a(), b(), a()])).toEqual([tracker, tracker, tracker]);
    await a.register();
    expect(open).toHaveBeenCalledTimes(1);
    expect(open).toHaveBeenCalledWith({});
  });

  it('tries again after a failure', async () => {
    const open = vi.fn<() => Promise<{ tracker: SessionTracker }>>().mockRejectedValueOnce(new Error('locked')).mockResolvedValue({ tracker });
    const get = nextTracker(open, name());
    await expect(get()).rejects.toThrow('locked');
    expect(await get()).toBe(tracker);
  });

  it.each([
    ['NEXT_RUNTIME', 'edge'],
    ['NEXT_PHASE', 'phase-production-build'],
    ['VERCEL', '1'],
    ['AWS_LAMBDA_FUNCTION_NAME', 'render'],
  ])('starts nothing where %s is %s', async (variable, value) => {
    vi.stubEnv(variable, value);
    const open = vi.fn(async () => ({ tracker }));
    await nextTracker(open, name()).register();
    expect(open).not.toHaveBeenCalled();
  });

  it('has neither a sweeper nor a heartbeat in a function that lives for a request', async () => {
    vi.stubEnv('VERCEL', '1');
    const open = vi.fn(async () => ({ tracker }));
    await nextTracker(open, name())();
    expect(open).toHaveBeenCalledWith({ sweepEveryMs: 0, heartbeatMs: 0 });
  });

  it('closes the tracker, then its log, when the server is told to stop, and ends the process where that is ours to do', async () => {
    vi.stubEnv('NEXT_MANUAL_SIG_HANDLE', 'true');
    const order: string[] = [];
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const on = vi.spyOn(process, 'once').mockImplementation(() => process);
    const get = nextTracker(
      async () => ({ tracker: { close: async () => void order.push('tracker') } as unknown as SessionTracker, log: { close: async () => void order.push('log') } }),
      name(),
    );
    await get.register({ drainMs: 10 });
    const stop = on.mock.calls.find(([signal]) => signal === 'SIGTERM')?.[1];
    stop?.();
    await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(143));
    expect(order).toEqual(['tracker', 'log']);
  });
});
