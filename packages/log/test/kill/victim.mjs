// A process that appends events and says on its standard output what it did, until it is done or killed. Plain JavaScript: it is
// started by tests and by tools/kill-matrix.mjs, often.
//
//   node victim.mjs '{"directory":…,"key":…,"first":0,"batches":10,"size":3}'
//
// Lines: `submit <first> <count>`, `ack <number> <index>`, `refused <number> <code>`, `opened`, `closed`.

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEvent } from '@indelible/event';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';

const BEGIN_MS = Date.UTC(2025, 0, 1);

/** The event of a number, the same in every process (support/events.ts). */
export function testEvent(n) {
  const time = (BEGIN_MS + n).toString(16).padStart(12, '0');
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
  return { id, timestamp: BEGIN_MS + n, event: 'login', userId: `user-${n % 17}`, sessionId: `session-${n}` };
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Says it at once: what was said before a SIGKILL has been said. */
function say(text) {
  const bytes = Buffer.from(`${text}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1); // the reader is slow
    }
  }
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  for (;;); // nothing may happen between the signal and the end
}

/** Kills this process at the nth time that a step is reached: before it, after it, or (a write) half way. */
function killer({ step, nth, when }) {
  let seen = 0;
  return {
    /** Runs a step, or dies at it. */
    at(name, work, half) {
      if (name !== step || ++seen !== nth) return work();
      if (when === 'before') die();
      if (when === 'half') {
        half?.();
        die();
      }
      const result = work();
      if (result instanceof Promise) return result.then(die, die);
      die();
    },
  };
}

/** A disk whose every step can be the last one of this process. */
function mortalDisk(disk, kill) {
  const file = (inner) => ({
    name: inner.name,
    write: (parts) => {
      kill.at('write', () => inner.write(parts), () => {
        const bytes = Buffer.concat(parts);
        inner.write([bytes.subarray(0, Math.ceil(bytes.length / 2))]);
      });
    },
    sync: (aside) => kill.at('sync', () => inner.sync(aside)),
    size: () => inner.size(),
    close: () => inner.close(),
  });
  return {
    list: () => disk.list(),
    size: (name) => disk.size(name),
    read: (name, offset, length) => disk.read(name, offset, length),
    exists: (name) => disk.exists(name),
    create: (name) => kill.at('create', async () => file(await disk.create(name))),
    append: (name) => kill.at('open', async () => file(await disk.append(name))),
    syncDirectory: () => kill.at('syncDirectory', () => disk.syncDirectory()),
  };
}

/** Opens the log without thread and lock, on a disk that kills. */
async function openCommitter({ directory, key, segmentBytes, kill }) {
  const [{ Committer }, { NodeDisk }, { Cache }, { DirectoryCacheFiles }, { encodeBatch }] = await Promise.all(
    ['commit/committer', 'disk/node-disk', 'cache/cache', 'cache/cache-files', 'commit/batch'].map((name) => import(`../../dist/${name}.js`)),
  );
  const killing = killer(kill);
  const signer = readSigningKey(key);
  const committer = await Committer.open({
    disk: mortalDisk(new NodeDisk(directory), killing),
    cache: (file) => new Cache(new DirectoryCacheFiles(join(directory, 'cache')), file.origin),
    signer: { ...signer, sign: (message) => killing.at('sign', () => signer.sign(message)) },
    segmentBytes,
    onSeal: () => killing.at('sealed', () => undefined),
    onRecovered: () => undefined,
    nowMs: Date.now,
  });
  const options = { defaults: { app: 'victim', instance: 'victim' } };
  return {
    async appendAll(events) {
      const { first, indexes } = await committer.append(encodeBatch(events.map((event) => encodeEvent(event, options))));
      return events.map((_event, i) => ({ index: indexes === undefined ? first + i : indexes[i] }));
    },
    close: () => committer.close(),
  };
}

async function main(options) {
  const { directory, key, first, batches, size, callers = 3, segmentBytes = 3_000, kill } = options;
  const log =
    kill === undefined
      ? await openLog({ store: fileStore(directory, { segmentBytes, lockWaitMs: options.lockWaitMs ?? 10_000 }), signer: readSigningKey(key), pin: pinPath(key), app: 'victim', heartbeatMs: 0, onError: () => undefined, closeOn: options.closeOn ?? [] })
      : await openCommitter({ directory, key, segmentBytes, kill });
  say('opened');
  let next = 0;
  const caller = async () => {
    while (next < batches) {
      const from = first + next++ * size;
      const numbers = Array.from({ length: size }, (_, i) => from + i);
      // Callers that do not move in step: then a seal and the entries of the next group share a write.
      if (options.restless === true) await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
      say(`submit ${from} ${size}`);
      try {
        const acks = await log.appendAll(numbers.map(testEvent));
        acks.forEach(({ index }, i) => say(`ack ${numbers[i]} ${index}`));
      } catch (error) {
        say(`refused ${from} ${error.code} ${error.message}`);
        if (error.code === 'ERR_LOG_CLOSED') break;
        // After a stop the log is opened again a second later at the earliest.
        if (options.patient === true) await new Promise((resolve) => setTimeout(resolve, 1_100));
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  if (options.idle === true) await new Promise(() => setInterval(() => undefined, 1_000));
  await log.close();
  say('closed');
}

if (process.argv[1]?.endsWith('victim.mjs')) {
  await main(JSON.parse(process.argv[2])).catch((error) => {
    say(`failed ${error.code ?? error}`);
    process.exitCode = 1;
  });
}
