// A process that records events through a spool until it is killed or done. Its log is a file; `up` and `down` times alternate.
//
//   node spool-child.mjs '{"directory":…,"sink":…,"from":0,"count":100000,"flipEvery":37,"maxBytes":…}'
//
// Prints `ack <n>` for each login once its delivery has acknowledged it.

import { appendFileSync, writeSync } from 'node:fs';
import { createId } from '@indelible/event';
import { openDelivery } from '@indelible/session';

const { directory, sink, from, count, flipEvery, maxBytes, report } = JSON.parse(process.argv[2]);
let up = false;
const log = {
  append: async (event) => {
    if (!up) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
    appendFileSync(sink, `${JSON.stringify(event)}\n`);
    return { id: event.id, index: 0 };
  },
};
const say = (text) => writeSync(1, `${text}\n`);
const delivery = await openDelivery({
  log,
  mode: 'spool',
  spool: { directory, key: new Uint8Array(32).fill(7), ephemeral: 'accept-loss', ...(maxBytes === undefined ? {} : { maxBytes }) },
  timeoutMs: 1_000,
  source: { app: 'bank', instance: 'bank-1' },
  onError: (error) => say(`error ${error.code}`),
});
say('open');
for (let n = from; n < from + count; n++) {
  if (flipEvery > 0 && n % flipEvery === 0) up = !up;
  const timestamp = Date.now();
  try {
    await delivery.record({ id: createId(timestamp), timestamp, event: 'login', userId: `u${n}` }, 'refusable');
    say(`ack ${n}`);
  } catch (error) {
    say(`refused ${error.code} ${error.cause?.code}`);
    break;
  }
}
say(`pending ${delivery.pending}`);
if (report) {
  // What waits for memory alone, and the end of it.
  for (let n = 0; n < 3; n++) {
    const timestamp = Date.now();
    await delivery.record({ id: createId(timestamp), timestamp, event: 'logout', userId: `out${n}` }, 'proceeds');
  }
  up = true;
  await delivery.drain();
  say(`pending ${delivery.pending}`);
}
await delivery.close();
say('closed');
