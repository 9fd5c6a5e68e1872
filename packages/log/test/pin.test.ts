import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createLog, fileStore, memoryStore, openLog, pinPath, readPin, writePin } from '@indelible/log';
import { PinKeeper } from '../dist/pin.js';
import { testEvent, testSigner } from './support/events.ts';
import { expectError } from './support/expect-error.ts';
import { temporaryDirectory } from './support/temporary.ts';

const directory = temporaryDirectory('pin');

describe('pin file', () => {
  test('lies beside the key, mode 0600, replaced in one step', async () => {
    const path = pinPath(join(directory, 'a.key'));
    expect(path).toBe(join(directory, 'a.key.pin'));
    expect(readPin(path)).toBeUndefined();
    await writePin(path, 'first\n');
    await writePin(path, 'second\n');
    expect(readPin(path)).toBe('second\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['a.key.pin']);
  });

  test.each([
    ['is empty', ''],
    ['is too large', 'x'.repeat(16_385)],
  ])('a pin that %s is refused', async (_name, text) => {
    const path = join(directory, 'bad.pin');
    writeFileSync(path, text);
    await expectError('ERR_LOG_ROLLED_BACK', () => readPin(path));
  });

  test('a pin that cannot be read is refused', async () => {
    const path = join(directory, 'folder.pin');
    mkdirSync(path);
    const error = await expectError('ERR_LOG_ROLLED_BACK', () => readPin(path));
    expect(error.message).toContain(path);
  });
});

describe('pin keeper', () => {
  test('writes at most once a second, and the newest at the end', async () => {
    const path = join(directory, 'kept.pin');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const keeper = new PinKeeper(path, (error) => expect.fail(String(error)));
      for (let i = 0; i < 100; i++) keeper.keep(`seal ${i}`);
      expect(readPin(path)).toBeUndefined();
      vi.advanceTimersByTime(1_000);
      await vi.waitFor(() => expect(readPin(path)).toBe('seal 99'));
      keeper.keep('seal 100');
      expect(readPin(path)).toBe('seal 99');
      await keeper.close();
      expect(readPin(path)).toBe('seal 100');
    } finally {
      vi.useRealTimers();
    }
  });

  test('reports a pin that cannot be written and tries again', async () => {
    const errors: unknown[] = [];
    const folder = join(directory, 'later');
    const keeper = new PinKeeper(join(folder, 'x.pin'), (error) => errors.push(error));
    keeper.keep('seal');
    await keeper.close();
    expect(errors).toHaveLength(2); // at once, and at the end
    mkdirSync(folder);
    await keeper.close();
    expect(readPin(join(folder, 'x.pin'))).toBe('seal');
  });
});

describe('pin and record', () => {
  const signer = testSigner();

  test('the pin of a closed log is its last seal', async () => {
    const pin = join(directory, 'log.pin');
    const log = await openLog({ store: memoryStore(), signer, pin, heartbeatMs: 0 });
    await log.append(testEvent(1));
    await log.close();
    expect(readPin(pin)).toBe(log.seal);
  });

  test.each([
    ['garbage', () => 'garbage'],
    ['a seal of another log', async () => {
      const log = await openLog({ store: memoryStore(), signer: testSigner('other.example/log'), heartbeatMs: 0 });
      await log.close();
      return log.seal!;
    }],
  ])('%s as a pin is refused', async (_name, make) => {
    const pin = join(directory, 'wrong.pin');
    writeFileSync(pin, await make());
    const error = await expectError('ERR_LOG_ROLLED_BACK', () => openLog({ store: memoryStore(), signer, pin }));
    expect(error.message).toContain('pin');
  });

  test('another root at the same size is a rewritten record', async () => {
    const pin = join(directory, 'root.pin');
    const one = await openLog({ store: memoryStore(), signer, pin, heartbeatMs: 0 });
    await one.appendAll([testEvent(1), testEvent(2)]);
    await one.close();
    const store = memoryStore();
    const two = await openLog({ store, signer, heartbeatMs: 0 });
    await two.appendAll([testEvent(3), testEvent(4), testEvent(5)]);
    await two.close();
    await expectError('ERR_LOG_RECORD_DAMAGED', () => openLog({ store, signer, pin }));
  });

  test('a pin that cannot be kept is reported, and the log goes on', async () => {
    const errors: unknown[] = [];
    const folder = join(directory, 'closed');
    mkdirSync(folder);
    const log = await openLog({ store: memoryStore(), signer, pin: join(folder, 'missing', 'x.pin'), heartbeatMs: 0, onError: (error) => errors.push(error) });
    await log.append(testEvent(1));
    await log.close();
    expect(errors.length).toBeGreaterThan(0);
    chmodSync(folder, 0o700);
    expect(readFileSync(join(directory, 'log.pin'), 'utf8')).toContain('test.example/log');
  });

  test('a cache that lies about the root under the pin is made anew, not believed', async () => {
    const folder = join(directory, 'lying');
    await createLog(folder, { signer });
    const open = (pin?: string) => openLog({ store: fileStore(folder), signer, heartbeatMs: 0, ...(pin === undefined ? {} : { pin }) });
    const first = await open();
    await first.append(testEvent(1));
    await first.close();
    const pin = join(directory, 'lying.pin');
    await writePin(pin, first.seal!);
    const second = await open();
    await second.appendAll(Array.from({ length: 600 }, (_, n) => testEvent(10 + n)));
    await second.close();
    const tiles = join(folder, 'cache', 'tiles-0');
    const bytes = readFileSync(tiles);
    bytes[40] = bytes[40]! ^ 1;
    writeFileSync(tiles, bytes);
    const third = await open(pin);
    expect((await third.append(testEvent(1))).index).toBe(1);
    await third.close();
    bytes[40] = bytes[40]! ^ 1;
    expect(readFileSync(tiles).subarray(0, 64)).toEqual(bytes.subarray(0, 64));
  });
});
