import { connectLog, logSessionEvent, sessionLogger, type LogPort, type SessionError } from '@indelible/session';
import { describe, expect, it } from 'vitest';
import { fakeLog } from './support/fake-log.ts';
import { runStrict } from './support/run-strict.ts';

describe('logSessionEvent', () => {
  it('is refused before a log is connected, without ending the process', async () => {
    const { code, stdout, stderr } = await runStrict(`
      import { logSessionEvent } from '@indelible/session';
      await logSessionEvent('maria', 'login', {}).catch((error) => console.log(error.name, error.code));
      logSessionEvent('maria', 'logout');
    `);
    expect(stdout).toBe('SessionError ERR_SESSION_NOT_CONNECTED\n');
    expect(stderr).toMatch(/\[ERR_SESSION_NOT_CONNECTED\] IndelibleWarning: session event logout was not recorded: .*connectLog/);
    expect(code).toBe(0);
  });

  it('records in the log that was connected last', async () => {
    const [first, second] = [fakeLog(), fakeLog()];
    connectLog(first);
    const acknowledged = await logSessionEvent('maria', 'login', { ip: '192.0.2.1' });
    expect(acknowledged).toEqual({ id: first.entries[0]?.['id'], index: 0 });
    connectLog(second);
    await logSessionEvent('maria', 'logout', { reason: 'user' });
    expect(first.entries).toMatchObject([{ event: 'login', userId: 'maria', ip: '192.0.2.1' }]);
    expect(second.entries).toMatchObject([{ event: 'logout', userId: 'maria', reason: 'user' }]);
  });

  it('keeps the order of the calls', async () => {
    const log = fakeLog();
    connectLog(log);
    await Promise.all([logSessionEvent('maria', 'login'), logSessionEvent('maria', 'extend'), logSessionEvent('maria', 'logout')]);
    expect(log.entries.map((entry) => entry['event'])).toEqual(['login', 'extend', 'logout']);
  });

  it('is one connection for all copies of the module', async () => {
    const { stdout, code } = await runStrict(`
      import { connectLog } from '@indelible/session';
      const copy = await import(new URL(import.meta.resolve('@indelible/session').replace('index.js', 'connection.js?copy')));
      connectLog({ append: async (event) => ({ id: event.event, index: 7 }) });
      console.log(JSON.stringify(await copy.logSessionEvent('maria', 'login')));
    `);
    expect(stdout).toBe('{"id":"login","index":7}\n');
    expect(code).toBe(0);
  });

  it('rejects with the error of the log, and with whatever the log throws', async () => {
    await expect(sessionLogger({ log: fakeLog() })(undefined, 'login')).rejects.toMatchObject({ code: 'ERR_EVENT_FIELD_MISSING', field: 'userId' });
    const log = { append: () => { throw new Error('broken port'); } };
    await expect(sessionLogger({ log })('maria', 'login')).rejects.toThrow('broken port');
  });

  it('may have no subject where nobody is known to be it', async () => {
    const log = fakeLog();
    await sessionLogger({ log })(undefined, 'login_failed', { reason: 'unknown_user' });
    expect(log.entries).toMatchObject([{ event: 'login_failed', reason: 'unknown_user' }]);
  });
});

describe('connecting', () => {
  it('refuses what is no log', () => {
    for (const log of [undefined, null, {}, { append: 'text' }]) {
      expect(() => connectLog(log as unknown as LogPort)).toThrow(expect.objectContaining({ code: 'ERR_SESSION_LOG_INVALID' }) as SessionError);
    }
  });

  it('says so when the log was not awaited', () => {
    expect(() => connectLog(Promise.resolve(fakeLog()) as unknown as LogPort)).toThrow('it is a promise, await openLog(…) first');
  });
});
