// An application as it is deployed: opens a log, appends, tells each acknowledgement on stdout at once.
// Its orders are JSON in LOG_WRITER, so that any launcher (node, cluster, a watcher, unshare) can start it.
import { writeSync } from 'node:fs';
import { fileStore, openLog, readSigningKey } from '@indelible/log';

const orders = JSON.parse(process.env['LOG_WRITER'] ?? '{}');
const { directory, keyFile, who = String(process.pid), callers = 4, everyMs = 1, stopAfter, closeAfterMs, lockWaitMs, segmentBytes, closeOn, lingerMs } = orders;

function tell(what) {
  writeSync(1, `${JSON.stringify({ pid: process.pid, ...what })}\n`);
}

function tellError(error) {
  tell({ error: error.code ?? 'unknown', message: error.message });
}

/** One caller: one event after the other, until the log says that it is over. */
async function call(log, caller) {
  for (let n = 0; stopAfter === undefined || n < stopAfter; n++) {
    const sessionId = `${who}-${process.pid}-${caller}-${n}`;
    try {
      const { id, index } = await log.append({ event: 'login', userId: who, sessionId, ip: '203.0.113.7' });
      tell({ id, index });
    } catch (error) {
      if (error.code === 'ERR_LOG_CLOSED') return;
      tellError(error);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

tell({ starting: true });
try {
  const log = await openLog({
    store: fileStore(directory, { ...(lockWaitMs === undefined ? {} : { lockWaitMs }), ...(segmentBytes === undefined ? {} : { segmentBytes }) }),
    signer: readSigningKey(keyFile),
    pin: `${keyFile}.pin`,
    app: 'deployed',
    ...(closeOn === undefined ? {} : { closeOn }),
    onError: (error) => tell({ warning: error.code ?? error.message }),
  });
  tell({ opened: true });
  if (lingerMs !== undefined) setTimeout(() => undefined, lingerMs); // a server that keeps listening
  if (closeAfterMs !== undefined) setTimeout(() => void log.close().then(() => tell({ closed: true })), closeAfterMs);
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(log, caller)));
  tell({ finished: true });
} catch (error) {
  tellError(error);
}
