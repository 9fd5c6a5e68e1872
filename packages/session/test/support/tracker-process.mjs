// A tracker in a process of its own, over the log of its parent: a port over IPC. Told what to do by messages.
import { openTracker } from '@indelible/session';

const calls = new Map();
let lastCall = 0;

function call(name, argument) {
  const id = ++lastCall;
  process.send({ id, name, argument });
  return new Promise((resolve, reject) => calls.set(id, { resolve, reject }));
}

const port = {
  shared: true,
  append: (event) => call('append', event),
  async *follow({ from, follow, signal }) {
    let next = from;
    while (signal?.aborted !== true) {
      const entries = await call('entries', next);
      for (const entry of entries) yield { index: entry.index, bytes: Buffer.from(entry.line) };
      next += entries.length;
      if (entries.length === 0) {
        if (!follow) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  },
  async openSessions() {
    const entries = await call('entries', 0);
    return {
      next: entries.length,
      entries: (async function* () {
        for (const entry of entries) yield { index: entry.index, bytes: Buffer.from(entry.line) };
      })(),
    };
  },
};

let tracker;
const actions = {
  open: async (options) => {
    tracker = await openTracker({ log: port, sidKey: new Uint8Array(32).fill(7), sweepEveryMs: 0, heartbeatMs: 0, ...options });
  },
  login: ({ sid, userId, ip }) => tracker.login(sid, userId, { ip }),
  logout: ({ sid }) => tracker.logout(sid),
  sweep: () => tracker.sweep(),
  find: ({ sid }) => tracker.find(sid) ?? null,
  close: () => tracker.close(),
};

process.on('message', (message) => void receive(message));
process.on('disconnect', () => process.exit(0));

async function receive(message) {
  if (message.id !== undefined) {
    const waiting = calls.get(message.id);
    calls.delete(message.id);
    if (message.error === undefined) waiting.resolve(message.value);
    else waiting.reject(Object.assign(new Error(message.error), { code: message.code }));
    return;
  }
  try {
    const value = await actions[message.action](message.argument);
    process.send({ done: message.done, value });
  } catch (error) {
    process.send({ done: message.done, error: String(error) });
  }
}
