import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sessionLogger } from '@indelible/session';
import { runStrict, type Ended } from './support/run-strict.ts';

/** Runs statements in which `log()` makes a call that fails, at once or after some milliseconds; prints what `onError` is told. */
function run(statements: string): Promise<Ended> {
  return runStrict(`
    import { sessionLogger } from '@indelible/session';
    import { setTimeout as pause } from 'node:timers/promises';
    const failure = Object.assign(new Error('disk full'), { code: 'ERR_LOG_STORAGE_FULL' });
    const port = { append: () => pause(port.ms).then(() => { if (port.fails) throw failure; return { id: 'x', index: 1 }; }), ms: 1, fails: true };
    const onError = (error, { userId, event }) => console.log('onError', error === failure ? 'same' : error.code, userId, event);
    const logger = sessionLogger({ log: port, onError });
    const log = (details) => logger('maria', 'login', details);
    process.on('exit', (code) => console.log('exit', code));
    ${statements}
  `);
}

const HEARD = { code: 0, stdout: 'caught disk full\nexit 0\n', stderr: '' };
const REPORTED = { code: 0, stdout: 'onError same maria login\nexit 0\n', stderr: '' };

describe('a failure that nobody waits for goes to onError, not to an unhandled rejection', () => {
  it.each([
    ['a dropped promise', 'log();'],
    ['void', 'void log();'],
    ['a promise kept for later that never comes', 'globalThis.kept = log();'],
    ['then without a second function', 'log().then(() => console.log("recorded"));'],
    ['finally', 'log().finally(() => {});'],
    ['a chain', 'log().then((ack) => ack.index).then((index) => console.log(index)).finally(() => {});'],
    ['a catch that throws it on', 'log().catch((error) => { throw error; });'],
    ['a call from a timer', 'setTimeout(() => { log(); }, 1);'],
    ['a call from a tick', 'process.nextTick(() => { log(); });'],
  ])('%s', async (_name, statements) => {
    expect(await run(statements)).toEqual(REPORTED);
  });

  it('also where details are refused at once', async () => {
    expect(await run('log({ timestamp: 1 });')).toEqual({ ...REPORTED, stdout: 'onError ERR_SESSION_DETAILS_RESERVED maria login\nexit 0\n' });
  });

  it('once for each call', async () => {
    expect((await run('log(); const twice = log(); twice.then(() => {}).then(() => {});')).stdout).toBe('onError same maria login\n'.repeat(2) + 'exit 0\n');
  });

  it('and what onError throws ends the process', async () => {
    const { code, stderr } = await runStrict(`
      import { sessionLogger } from '@indelible/session';
      const log = { append: async () => { throw new Error('disk full'); } };
      sessionLogger({ log, onError: (error) => { throw new Error('no record, no service', { cause: error }); } })('maria', 'login');
    `);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/no record, no service[^]*disk full/);
  });
});

describe('whoever waits gets the failure, and onError does not', () => {
  const caught = `.catch((error) => console.log('caught', error.message))`;
  it.each([
    ['await', `try { await log(); } catch (error) { console.log('caught', error.message); }`],
    ['await after a failure at the same moment', `port.ms = 0; try { await log(); } catch (error) { console.log('caught', error.message); }`],
    ['catch', `log()${caught};`],
    ['then with two functions', `log().then(() => {}, (error) => console.log('caught', error.message));`],
    ['a chain that ends in a catch', `log().then((ack) => ack.index).finally(() => {})${caught};`],
    ['Promise.all', `await Promise.all([log(), pause(5)])${caught};`],
    ['Promise.allSettled', `const [one] = await Promise.allSettled([log()]); console.log('caught', one.reason.message);`],
    ['Promise.race', `await Promise.race([log(), pause(50)])${caught};`],
    ['an async function that returns it', `const wrap = async () => log(); await wrap()${caught};`],
    ['an async function that awaits it', `const wrap = async () => { await log(); }; await wrap()${caught};`],
    ['a callback of a later turn, before the failure', `port.ms = 30; const kept = log(); setTimeout(() => { kept${caught}; }, 1);`],
    ['await in a timer', `setTimeout(async () => { try { await log(); } catch (error) { console.log('caught', error.message); } }, 1);`],
  ])('%s', async (_name, statements) => {
    expect(await run(statements)).toEqual(HEARD);
  });

  it('where details are refused at once, too', async () => {
    const { stdout } = await run(`await log({ id: 'x' }).catch((error) => console.log('caught', error.code));`);
    expect(stdout).toBe('caught ERR_SESSION_DETAILS_RESERVED\nexit 0\n');
  });

  it('also long after onError was told', async () => {
    const { stdout } = await run(`const kept = log(); await pause(30); await kept.catch((error) => console.log('caught', error === failure));`);
    expect(stdout).toBe('onError same maria login\ncaught true\nexit 0\n');
  });
});

describe('what is not a failure of the call', () => {
  it('an error in a callback of the caller is an unhandled rejection as ever', async () => {
    const { code, stdout, stderr } = await run(`port.fails = false; log().then(() => { throw new TypeError('a bug'); });`);
    expect(code).not.toBe(0);
    expect(stdout).not.toContain('onError');
    expect(stderr).toContain('TypeError: a bug');
  });

  it('and one that is caught is caught', async () => {
    const { code, stdout } = await run(`port.fails = false; log().then(() => { throw new TypeError('a bug'); }).catch(() => console.log('caught'));`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'caught\nexit 0\n' });
  });

  it('success is reported to nobody', async () => {
    const { code, stdout } = await run(`port.fails = false; log(); console.log((await log()).index, log() instanceof Promise);`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 true\nexit 0\n' });
  });
});

it('falls back to a process warning that names the event and not its details', async () => {
  const { stderr, code } = await runStrict(`
    import { sessionLogger } from '@indelible/session';
    const log = sessionLogger({ log: { append: async () => { throw Object.assign(new Error('disk full'), { code: 'ERR_LOG_STORAGE_FULL' }); } } });
    log('maria', 'revoked', { note: 'private matter' });
  `);
  expect(code).toBe(0);
  expect(stderr).toContain('[ERR_LOG_STORAGE_FULL] IndelibleWarning: session event revoked was not recorded: disk full');
  expect(stderr).not.toContain('private matter');
});

it('does not hold a process that waits for nothing else', async () => {
  const log = sessionLogger({ log: { append: () => new Promise(() => {}) } });
  expect(await Promise.race([log('maria', 'login'), pause(5, 'pending')])).toBe('pending');
});
