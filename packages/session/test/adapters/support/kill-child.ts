// A process that is killed: it serves an adapter's application, and its log never answers to a logout.
import type { EventInput } from '@indelible/event';
import { fileStore, openLog, parseSigningKey } from '@indelible/log';
import { openTracker, type Acknowledgement, type TrackerPort } from '@indelible/session';
import type { AdapterUnderTest } from '../adapter-under-test.ts';

const POLICY = { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 };
const [, , module = '', directory = '', key = ''] = process.argv;
const { adapter } = (await import(module)) as { adapter: AdapterUnderTest };

const log = await openLog({ store: fileStore(directory), signer: parseSigningKey(key), app: 'suite', instance: 'killed-log', heartbeatMs: 0 });
const port: TrackerPort = {
  append(event: EventInput): Promise<Acknowledgement> {
    if (event.event !== 'logout') return log.append(event);
    process.stdout.write('logout is not durable yet\n');
    return new Promise(() => undefined);
  },
  follow: (options) => log.follow(options),
  openSessions: () => log.openSessions(),
};
const tracker = await openTracker({
  log: port, sidKey: new Uint8Array(32).fill(7), policy: POLICY, app: 'suite', instance: 'killed-1', adapter: { name: adapter.name, version: '0' },
  sweepEveryMs: 0, heartbeatMs: 0, onError: (error) => process.stderr.write(`${String(error)}\n`),
});
const app = await adapter.start({
  tracker, policy: POLICY, trustProxy: false, secret: 'a secret for cookies, of no less than 32 characters', details: undefined,
});
process.stdout.write(`${app.url}\n`);
