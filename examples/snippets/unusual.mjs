import { openGeo } from '@indelible/geo';
import { createSigningKey, memoryStore, openLog, parseSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';

const log = await openLog({ store: memoryStore(), signer: parseSigningKey(createSigningKey('my-app.example/sessions').secret) });
const tracker = await openTracker({
  log,
  sidKey: crypto.getRandomValues(new Uint8Array(32)),
  policy: { idleMs: 30 * 60_000 },
  locate: openGeo(),
});

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
await tracker.login('first secret id', 'alice', { ip: '193.0.6.139', userAgent: firefox });
await tracker.login('second secret id', 'alice', { ip: '133.11.0.1', userAgent: firefox });

await tracker.close();
for await (const { bytes } of log.reader().entries()) {
  const { event, reason, details } = JSON.parse(Buffer.from(bytes));
  if (event === 'concurrent_warning') console.log(reason, details);
}
await log.close();
