// The published pattern's snippet on the transport; ends as it is told.
//
//   node pino-app.mjs '{"options":{"dir":…},"count":3,"end":"return"|"exit"|"sigterm-handled"|"sigterm"|"flush-kill"}'

import pino from 'pino';

const { options, count, end, lines = [] } = JSON.parse(process.argv[2]);
if (options.spool !== undefined) options.spool.key = Uint8Array.from(options.spool.key);
const logger = pino({ transport: { target: '@indelible/session/pino', options } });

function logSessionEvent(userId, event, details) {
  logger.info({ timestamp: new Date().toISOString(), userId, event, ...details });
}

for (const line of lines) logger.info(...line);
for (let n = 0; n < count; n++) logSessionEvent(`u${n}`, 'login', { ip: '203.0.113.7', requestId: `r${n}` });

switch (end) {
  case 'exit':
    process.exit(0);
    break;
  case 'sigterm-handled':
    process.on('SIGTERM', () => process.exit(0));
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => undefined, 10_000);
    break;
  case 'sigterm':
    process.kill(process.pid, 'SIGTERM');
    break;
  case 'flush-kill':
    logger.flush(() => process.kill(process.pid, 'SIGKILL'));
    setTimeout(() => undefined, 10_000);
    break;
  default:
}
