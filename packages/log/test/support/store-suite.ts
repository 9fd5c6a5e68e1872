import { describe, expect, test } from 'vitest';
import { EventError, encodeEvent } from '@indelible/event';
import { checkInclusion, leafHash, openNote, parseCheckpoint, parseVerifierKey } from '@indelible/tlog';
import { readPin, type Acknowledgement, type Log, type Signer } from '@indelible/log';
import { testEvent, testId, testNumber, testSigner } from './events.ts';
import { expectError } from './expect-error.ts';
import type { MakePlace, StorePlace } from './store-place.ts';

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
const eventName = (entry: string): string => (JSON.parse(entry) as { event: string }).event;
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Appends with many callers for a time; returns what was acknowledged. */
async function appendFor(log: Log, ms: number, callers: number, first = 0): Promise<Acknowledgement[]> {
  const until = performance.now() + ms;
  const done: Acknowledgement[] = [];
  let next = first;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) done.push(await log.append(testEvent(next++)));
    }),
  );
  return done;
}

/** What every store has to keep, whatever it is made of. */
export function describeStore(name: string, make: MakePlace): void {
  const withLog = async (work: (log: Log, place: StorePlace) => Promise<void>, options: Parameters<StorePlace['open']>[0] = {}, segmentBytes?: number): Promise<void> => {
    const place = await make(segmentBytes === undefined ? {} : { segmentBytes });
    const log = await place.open(options);
    try {
      await work(log, place);
    } finally {
      await log.close();
    }
    await place.check();
  };

  describe(`${name}: append`, () => {
    test('entries stand in the order of the calls, byte for byte', async () => {
      await withLog(async (log, place) => {
        const acks = await Promise.all(numbers(0, 700).map((n) => log.append(testEvent(n))));
        expect(acks.map(({ index }) => index)).toEqual(numbers(acks[0]!.index, 700));
        expect(acks.map(({ id }) => id)).toEqual(numbers(0, 700).map(testId));
        const { entries } = await place.check();
        expect(entries.filter((entry) => testNumber(entry) !== undefined).map(testNumber)).toEqual(numbers(0, 700));
        const { instance, recordedAt, ...rest } = JSON.parse(entries[acks[7]!.index]!) as Record<string, unknown>;
        expect(typeof instance).toBe('string');
        expect(typeof recordedAt).toBe('string');
        expect(rest).toEqual(JSON.parse(encodeEvent(testEvent(7), { nowMs: Date.UTC(2025, 0, 1) + 7, defaults: { app: 'suite' } })));
        expect(log.size).toBe(entries.length);
      });
    });

    test('acknowledged means durable and sealed: the record as it is holds it', async () => {
      await withLog(async (log, place) => {
        for (let n = 0; n < 20; n++) {
          const { index } = await log.append(testEvent(n));
          const { entries } = await place.check();
          expect(testNumber(entries[index]!)).toBe(n);
          expect(log.size).toBeGreaterThan(index);
        }
      });
    });

    test('text of all kinds comes back as it was given', async () => {
      const texts = ['äöü', '漢字', '𝄞😀', '\u2028\u2029', '"\\/', '{"indelible":"seal"}', 'x'.repeat(50_000), ' ', 'ﷺ'.repeat(1_000), '\u00ad\u200b', '\u007f'];
      await withLog(async (log) => {
        const acks = await log.appendAll(texts.map((text, n) => testEvent(n, { details: { text } })));
        for (const [i, { index }] of acks.entries()) {
          const entry = JSON.parse(Buffer.from(await log.reader().entry(index)).toString('utf8')) as { details: { text: string } };
          expect(entry.details.text).toBe(texts[i]);
        }
      });
    });

    test('an invalid event is refused by name, and nothing is recorded', async () => {
      await withLog(async (log) => {
        const { size } = log;
        const bad: unknown[] = [
          undefined, null, 'login', [], {}, { event: 'unknown', userId: 'u' }, { event: 'login' }, testEvent(1, { userId: '\ud800' }), testEvent(1, { userId: 'a\0b' }),
          testEvent(1, { id: 'no-uuid' }), testEvent(1, { timestamp: Date.now() + 3_600_000 }), testEvent(1, { details: { text: 'x'.repeat(70_000) } }), { ...testEvent(1), surprise: 1 },
          testEvent(1, { details: { n: Number.NaN } }), { event: 'key_changed' }, { event: 'log_recovered' },
        ];
        for (const event of bad) {
          await expect(log.append(event as never), JSON.stringify(event)?.slice(0, 80)).rejects.toBeInstanceOf(EventError);
          await expect(log.appendAll([testEvent(5), event as never])).rejects.toBeInstanceOf(EventError);
        }
        expect(log.size).toBe(size);
        const circular: Record<string, unknown> = {};
        circular['self'] = circular;
        await expect(log.append(testEvent(1, { details: circular }))).rejects.toBeInstanceOf(EventError);
        await log.append(testEvent(1));
        expect(log.size).toBe(size + 1);
      });
    });

    test('thousands of large entries at once', { timeout: 60_000 }, async () => {
      await withLog(async (log) => {
        const acks = await Promise.all(numbers(0, 400).map((n) => log.append(testEvent(n, { details: { text: 'y'.repeat(60_000) } }))));
        expect(new Set(acks.map(({ index }) => index)).size).toBe(400);
        const more = await log.appendAll(numbers(400, 300).map((n) => testEvent(n, { details: { text: '漢'.repeat(20_000) } })));
        expect(more.map(({ index }) => index)).toEqual(numbers(more[0]!.index, 300));
      });
    });
  });

  describe(`${name}: appendAll`, () => {
    test.each([0, 1, 63, 64, 65, 1_000, 4_096])('%d events have places one behind the other', async (count) => {
      await withLog(async (log) => {
        const acks = await log.appendAll(numbers(0, count).map((n) => testEvent(n)));
        expect(acks.map(({ id }) => id)).toEqual(numbers(0, count).map(testId));
        expect(acks.map(({ index }) => index)).toEqual(numbers(acks[0]?.index ?? 0, count));
      });
    });

    test('each call stays in one piece, however many others there are', async () => {
      await withLog(async (log, place) => {
        const calls = numbers(0, 60).map((call) => numbers(call * 100, 20 + ((call * 37) % 80)));
        const sizes: Promise<Acknowledgement[]>[] = [];
        for (const [i, call] of calls.entries()) {
          sizes.push(log.appendAll(call.map((n) => testEvent(n))));
          void log.append(testEvent(100_000 + i));
          if (i % 7 === 0) await later(0);
        }
        const acks = await Promise.all(sizes);
        const { seals } = await place.check();
        for (const call of acks) {
          expect(call.map(({ index }) => index)).toEqual(numbers(call[0]!.index, call.length));
          // no seal ends within the call: a crash between two seals cannot leave a part of it
          const [first, last] = [call[0]!.index, call.at(-1)!.index];
          expect(seals.filter(({ size }) => size > first && size <= last)).toEqual([]);
        }
      });
    });

    test('more than a batch takes goes in several', async () => {
      await withLog(async (log) => {
        const acks = await log.appendAll(numbers(0, 9_000).map((n) => testEvent(n)));
        expect(acks.map(({ index }) => index)).toEqual(numbers(acks[0]!.index, 9_000));
      });
    });
  });

  describe(`${name}: the same id again`, () => {
    test('one after the other, at the same time, in one call: one entry, one index', async () => {
      await withLog(async (log, place) => {
        const { index } = await log.append(testEvent(1));
        expect((await log.append(testEvent(1))).index).toBe(index);
        expect((await Promise.all(numbers(0, 50).map(() => log.append(testEvent(1))))).map((ack) => ack.index)).toEqual(Array.from({ length: 50 }, () => index));
        const racing = await Promise.all(numbers(0, 200).map((i) => log.append(testEvent(2 + (i % 3)))));
        expect(new Set(racing.map((ack) => ack.index)).size).toBe(3);
        const inOne = await log.appendAll([testEvent(10), testEvent(11), testEvent(10), testEvent(1), testEvent(11)]);
        expect(inOne.map((ack) => ack.index)).toEqual([inOne[0]!.index, inOne[1]!.index, inOne[0]!.index, index, inOne[1]!.index]);
        const { entries } = await place.check();
        expect(new Set(entries.map((entry) => entry.slice(7, 43))).size).toBe(entries.length);
      });
    });

    test('after a restart, by another instance, with and without the cache', async () => {
      const place = await make({ segmentBytes: 20_000 });
      const places = new Map<string, number>();
      for (let life = 0; life < 4; life++) {
        if (life === 2) place.removeCache();
        const log = await place.open({ instance: `instance-${life}` });
        const acks = await log.appendAll(numbers(life * 50, 100).map((n) => testEvent(n)));
        for (const { id, index } of acks) {
          expect(places.get(id) ?? index).toBe(index);
          places.set(id, index);
        }
        await log.close();
      }
      const { entries } = await place.check();
      expect(entries.filter((entry) => testNumber(entry) !== undefined)).toHaveLength(250);
    });

    test('an id without a time is the same event at any time', async () => {
      await withLog(async (log) => {
        const event = { id: testId(5), event: 'login', userId: 'u' } as const;
        const { index } = await log.append(event);
        await later(20);
        expect((await log.append(event)).index).toBe(index);
      });
    });

    test('from another app it is another entry', async () => {
      await withLog(async (log) => {
        const acks = await log.appendAll([testEvent(1, { app: 'a' }), testEvent(1, { app: 'b' }), testEvent(1)]);
        expect(new Set(acks.map(({ index }) => index)).size).toBe(3);
        const again = await Promise.all([log.append(testEvent(1, { app: 'b' })), log.append(testEvent(1)), log.append(testEvent(1, { app: 'a' }))]);
        expect(again.map(({ index }) => index)).toEqual([acks[1]!.index, acks[2]!.index, acks[0]!.index]);
      });
    });

    test('with other content it is a conflict, which does not touch the others', async () => {
      await withLog(async (log, place) => {
        const { index } = await log.append(testEvent(1));
        const error = await expectError('ERR_LOG_ID_CONFLICT', () => log.append(testEvent(1, { userId: 'somebody else' })));
        expect(error.message).toContain(testId(1));
        expect(error.fatal).toBe(false);
        await expectError('ERR_LOG_ID_CONFLICT', () => log.appendAll([testEvent(2), testEvent(1, { reason: 'x' }), testEvent(3)]));
        await expectError('ERR_LOG_ID_CONFLICT', () => log.appendAll([testEvent(4), testEvent(4, { reason: 'x' })]));
        expect((await log.append(testEvent(1))).index).toBe(index);
        const retried = await log.appendAll([testEvent(2), testEvent(3), testEvent(4)]);
        expect(new Set(retried.map((ack) => ack.index)).size).toBe(3);
        const { entries } = await place.check();
        expect(entries.filter((entry) => testNumber(entry) !== undefined).map(testNumber)).toEqual([1, 2, 3, 4]);
      });
    });
  });

  describe(`${name}: limits`, () => {
    test('a full queue is a typed error, at once, and passes', async () => {
      await withLog(
        async (log) => {
          const all = await Promise.allSettled(numbers(0, 200).map((n) => log.append(testEvent(n))));
          const refused = all.flatMap((one, n) => (one.status === 'rejected' ? [{ n, error: one.reason as { code: string; fatal: boolean; message: string } }] : []));
          expect(refused.length).toBe(150);
          for (const { error } of refused) expect(error).toMatchObject({ code: 'ERR_LOG_QUEUE_FULL', fatal: false });
          expect(refused[0]!.error.message).toContain('50');
          await expectError('ERR_LOG_QUEUE_FULL', () => log.appendAll(numbers(1_000, 51).map((n) => testEvent(n))));
          for (const { n } of refused) await log.append(testEvent(n));
          expect(log.size).toBeGreaterThanOrEqual(200);
        },
        { maxQueued: 50 },
      );
    });

    test('options that make no sense are refused', async () => {
      const place = await make();
      for (const options of [{ maxQueued: 0 }, { maxQueued: 1.5 }, { heartbeatMs: -1 }, { heartbeatMs: Number.NaN }]) {
        await expectError('ERR_LOG_OPTION_INVALID', () => place.open(options));
      }
    });

    test('after close nothing is taken, and close can be called again', async () => {
      const place = await make();
      const log = await place.open();
      const pending = Promise.all(numbers(0, 300).map((n) => log.append(testEvent(n))));
      const waiting = expectError('ERR_LOG_CLOSED', () => log.receipt(1_000_000));
      await Promise.all([log.close(), log.close()]);
      expect(await pending).toHaveLength(300);
      await waiting;
      await expectError('ERR_LOG_CLOSED', () => log.append(testEvent(1_000)));
      await expectError('ERR_LOG_CLOSED', () => log.appendAll([testEvent(1_000)]));
      await expectError('ERR_LOG_CLOSED', () => log.receipt(1_000_000));
      expect((await log.receipt(3)).index).toBe(3);
      const { entries } = await place.check();
      expect(eventName(entries.at(-1)!)).toBe('log_stopped');
    });
  });

  describe(`${name}: receipts and readers`, () => {
    test('a receipt proves an entry to somebody who has the key only', async () => {
      await withLog(async (log, place) => {
        const acks = await log.appendAll(numbers(0, 300).map((n) => testEvent(n)));
        for (const { index, id } of [acks[0]!, acks[17]!, acks[255]!, acks[299]!]) {
          const receipt = await log.receipt(index);
          const { text } = await openNote(receipt.seal, [parseVerifierKey(place.signer.vkey)]);
          const { treeSize, rootHash } = parseCheckpoint(text);
          checkInclusion({ index, treeSize, leafHash: leafHash(receipt.entry), proof: receipt.proof, root: rootHash });
          expect(Buffer.from(receipt.entry).toString()).toContain(id);
        }
      });
    });

    test('a receipt for what is on its way waits for it', async () => {
      await withLog(async (log) => {
        const receipt = log.receipt(log.size + 2);
        await log.appendAll([testEvent(1), testEvent(2), testEvent(3)]);
        expect(Buffer.from((await receipt).entry).toString()).toContain(testId(3));
        for (const index of [-1, 0.5, Number.NaN, 2 ** 53]) await expectError('ERR_LOG_ENTRY_NOT_FOUND', () => log.receipt(index));
      });
    });

    test('many receipts at once, over many segments, without a cache too', async () => {
      const place = await make({ segmentBytes: 3_000 });
      const log = await place.open();
      const acks = [];
      for (let n = 0; n < 100; n += 5) acks.push(...(await log.appendAll(numbers(n, 5).map((one) => testEvent(one)))));
      await Promise.all(acks.map(({ index }) => log.receipt(index)));
      await log.close();
      place.removeCache();
      const again = await place.open();
      await Promise.all(acks.slice(0, 20).map(({ index }) => again.receipt(index)));
      await again.close();
    });

    test('a follower sees every sealed entry once, in order, from where it wants', async () => {
      await withLog(
        async (log) => {
          const from = log.size;
          const seen: number[] = [];
          const stop = new AbortController();
          const following = (async () => {
            for await (const { index, bytes } of log.reader().entries({ from, follow: true, pollMs: 5, signal: stop.signal })) {
              expect(index).toBe(from + seen.length);
              seen.push(testNumber(Buffer.from(bytes).toString())!);
              if (seen.length === 400) stop.abort();
            }
          })();
          for (let n = 0; n < 400; n += 10) {
            await log.appendAll(numbers(n, 10).map((one) => testEvent(one)));
            if (n % 50 === 0) await later(8);
          }
          await following;
          expect(seen).toEqual(numbers(0, 400));
          const middle = [];
          for await (const { index } of log.reader().entries({ from: from + 123 })) middle.push(index);
          expect(middle.slice(0, 3)).toEqual(numbers(from + 123, 3));
          expect(middle.at(-1)).toBe(log.size - 1);
        },
        {},
        4_000,
      );
    });
  });

  describe(`${name}: the log's own life`, () => {
    test('start, heartbeats and stop are entries', async () => {
      const place = await make();
      const log = await place.open({ heartbeatMs: 15, instance: 'i-1' });
      await expect.poll(() => log.size, { timeout: 10_000 }).toBeGreaterThan(5);
      await log.close();
      const { entries } = await place.check();
      const life = entries.map((entry) => JSON.parse(entry) as { event: string; app: string; instance: string; details?: Record<string, unknown> }).filter(({ instance }) => instance === 'i-1');
      expect(life[0]).toMatchObject({ event: 'log_started', app: 'suite', details: { node: process.version } });
      const beats = life.filter(({ event }) => event === 'heartbeat');
      expect(beats.map(({ details }) => details)).toEqual(beats.map((_, i) => ({ beat: i + 1, intervalMs: 15 })));
      expect(life.at(-1)!.event).toBe('log_stopped');
    });

    test('bytes that were left behind are recorded as recovered', async () => {
      const place = await make();
      await place.addForeign('{"half an entry');
      const log = await place.open();
      await log.close();
      const { entries, segments } = await place.check();
      const recovered = entries.map((entry) => JSON.parse(entry) as { event: string; details: Record<string, unknown> }).filter(({ event }) => event === 'log_recovered');
      expect(recovered).toHaveLength(1);
      expect(recovered[0]!.details).toMatchObject({ segment: 0, deadBytes: 15, reason: 'torn' });
      expect(segments.map(({ reason }) => reason)).toEqual([undefined, 'torn']);
    });

    test('bytes that somebody adds while it runs are left behind, and the batch goes on the record', async () => {
      const place = await make();
      const log = await place.open();
      const before = await log.append(testEvent(1));
      await place.addForeign('foreign\n');
      const acks = await Promise.all(numbers(2, 20).map((n) => log.append(testEvent(n))));
      expect(acks[0]!.index).toBeGreaterThan(before.index);
      await place.addForeign('no line end');
      await log.append(testEvent(30));
      await log.close();
      const { entries, segments } = await place.check();
      expect(entries.filter((entry) => eventName(entry) === 'log_recovered')).toHaveLength(2);
      expect(segments.map(({ reason }) => reason)).toEqual([undefined, 'foreign', 'foreign']);
      expect(entries.filter((entry) => testNumber(entry) !== undefined)).toHaveLength(22);
    });

    test.each([1_200, 5_000, 50_000])('segments of %d bytes, with many callers', async (segmentBytes) => {
      await withLog(
        async (log, place) => {
          const acks = await appendFor(log, 300, 40);
          const { segments, entries } = await place.check();
          expect(segments.length).toBeGreaterThan(1);
          for (const { id, index } of acks) expect(entries[index]!.slice(7, 43)).toBe(id);
        },
        {},
        segmentBytes,
      );
    });
  });

  describe(`${name}: keys`, () => {
    test('a slow signer makes batches larger, not the log slower', { timeout: 60_000 }, async () => {
      const place = await make();
      let signatures = 0;
      const slow: Signer = {
        vkey: place.signer.vkey,
        sign: async (message) => {
          signatures++;
          await later(50);
          return place.signer.sign(message);
        },
      };
      const log = await place.open({ signer: slow });
      signatures = 0;
      const begin = performance.now();
      const acks = await appendFor(log, 1_500, 512);
      const seconds = (performance.now() - begin) / 1_000;
      await log.close();
      await place.check();
      expect(signatures).toBeLessThan(seconds * 25); // one at a time
      expect(acks.length / signatures).toBeGreaterThan(200);
    });

    test('a signer that fails now and then is asked again', async () => {
      const place = await make();
      let calls = 0;
      const flaky: Signer = { vkey: place.signer.vkey, sign: (message) => (++calls % 3 === 1 ? Promise.reject(new Error('busy')) : place.signer.sign(message)) };
      const log = await place.open({ signer: flaky });
      for (let n = 0; n < 3; n++) await log.append(testEvent(n));
      await log.close();
      await place.check();
    });

    test('a signer that fails for good is a typed error; when it is back the log goes on', { timeout: 60_000 }, async () => {
      const place = await make();
      let down = false;
      const signer: Signer = { vkey: place.signer.vkey, sign: (message) => (down ? Promise.reject(new Error('access denied')) : place.signer.sign(message)) };
      const log = await place.open({ signer });
      await log.append(testEvent(1));
      down = true;
      const error = await expectError('ERR_LOG_SIGNER_FAILED', () => log.append(testEvent(2)));
      expect(error.message).toContain('access denied');
      await expectError('ERR_LOG_SIGNER_FAILED', () => log.append(testEvent(3)));
      down = false;
      await expect.poll(() => log.append(testEvent(2)).then(() => 'recorded', () => 'refused'), { timeout: 20_000, interval: 200 }).toBe('recorded');
      await log.append(testEvent(3));
      await log.close();
      const { entries } = await place.check();
      expect(entries.map(testNumber).filter((n) => n !== undefined)).toEqual([1, 2, 3]);
    });

    test('a signer that returns rubbish seals nothing', { timeout: 60_000 }, async () => {
      const place = await make();
      let rubbish = false;
      const signer: Signer = { vkey: place.signer.vkey, sign: (message) => (rubbish ? Promise.resolve(new Uint8Array(64)) : place.signer.sign(message)) };
      const log = await place.open({ signer });
      rubbish = true;
      await expectError('ERR_LOG_SIGNER_FAILED', () => log.append(testEvent(2)));
      rubbish = false;
      await log.close();
      await place.check();
    });

    test('a wrong key is refused before a byte is written', async () => {
      const place = await make();
      const before = await place.check();
      const other = await expectError('ERR_LOG_KEY_MISMATCH', () => place.open({ signer: testSigner() }));
      expect(other.message).toContain(place.signer.vkey);
      await expectError('ERR_LOG_KEY_MISMATCH', () => place.open({ signer: testSigner('other.example/log') }));
      expect(await place.check()).toEqual(before);
    });

    test('a change of key: sealed by the old one, gone on by the new one, the old one refused', async () => {
      const place = await make();
      const log = await place.open();
      const next = testSigner();
      await expectError('ERR_LOG_KEY_MISMATCH', () => log.rotateKey(testSigner('other.example/log')));
      await expectError('ERR_LOG_KEY_MISMATCH', () => log.rotateKey(place.signer));
      const before = Promise.all(numbers(0, 100).map((n) => log.append(testEvent(n))));
      const changed = log.rotateKey(next);
      const meanwhile = Promise.all(numbers(100, 100).map((n) => log.append(testEvent(n))));
      const { index } = await changed;
      expect(Math.max(...(await before).map((ack) => ack.index))).toBeLessThan(index);
      expect((await log.append(testEvent(200))).index).toBeGreaterThan(index);
      expect((await meanwhile).map((ack) => ack.index)).not.toContain(index);
      expect(log.vkey).toBe(next.vkey);
      await openNote(log.seal!, [parseVerifierKey(next.vkey)]);
      await log.close();
      const { segments } = await place.check();
      expect(segments.map(({ reason }) => reason)).toEqual([undefined, 'key_changed']);

      const retired = await expectError('ERR_LOG_KEY_MISMATCH', () => place.open());
      expect(retired.message).toContain(next.vkey);
      const again = await place.open({ signer: next });
      expect((await again.append(testEvent(3))).index).toBe((await before)[3]!.index);
      await again.append(testEvent(500));
      await again.close();
      await place.check();
    });

    test('several changes of key, asked for at the same time, and back to an older one', async () => {
      const place = await make();
      const log = await place.open();
      const keys = [testSigner(), testSigner(), place.signer, testSigner()];
      const acks = await Promise.all(keys.map(async (next, i) => [await log.rotateKey(next), await log.append(testEvent(i))] as const));
      expect(acks).toHaveLength(4);
      await log.close();
      const { segments } = await place.check();
      expect(segments.map(({ reason }) => reason)).toEqual([undefined, ...keys.map(() => 'key_changed')]);
      for (const old of keys.slice(0, 3)) await expectError('ERR_LOG_KEY_MISMATCH', () => place.open({ signer: old }));
      await (await place.open({ signer: keys[3]! })).close();
      await place.check();
    });

    test('a next signer that cannot sign changes nothing', { timeout: 60_000 }, async () => {
      await withLog(async (log, place) => {
        await expectError('ERR_LOG_SIGNER_FAILED', () => log.rotateKey({ vkey: testSigner().vkey, sign: (message) => place.signer.sign(message) }));
        expect(log.vkey).toBe(place.signer.vkey);
        await log.append(testEvent(1));
      });
    });
  });

  describe(`${name}: roll-back`, () => {
    test('an older state of the record is refused where a pin is kept, and only there', async () => {
      const place = await make();
      const first = await place.open({ pin: place.pin });
      await first.append(testEvent(1));
      await first.close();
      const restore = await place.snapshot();
      const second = await place.open({ pin: place.pin });
      await second.append(testEvent(2));
      await second.close();
      expect(readPin(place.pin)).toBe(second.seal);
      restore();
      const error = await expectError('ERR_LOG_ROLLED_BACK', () => place.open({ pin: place.pin }));
      expect(error.message).toMatch(/rolled back/);
      await (await place.open()).close();
    });

    test('a record that shrinks while it is open is not gone on with', async () => {
      const place = await make();
      const log = await place.open();
      await log.append(testEvent(1));
      const restore = await place.snapshot();
      await log.append(testEvent(2));
      restore();
      await expect(log.append(testEvent(3))).rejects.toMatchObject({ fatal: true });
      await later(1_100);
      await expect(log.append(testEvent(3))).rejects.toMatchObject({ fatal: true });
      await log.close();
    });
  });
}
