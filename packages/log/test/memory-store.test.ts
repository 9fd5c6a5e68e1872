import { expect, test } from 'vitest';
import { memoryStore, openLog } from '@indelible/log';
import { testEvent, testSigner } from './support/events.ts';
import { expectError } from './support/expect-error.ts';
import { memoryPlaces } from './support/store-place.ts';
import { describeStore } from './support/store-suite.ts';
import { temporaryDirectory } from './support/temporary.ts';

describeStore('memory', memoryPlaces(temporaryDirectory('memory-store')));

test('a memory store is open once at a time', async () => {
  const store = memoryStore();
  const signer = testSigner();
  const log = await openLog({ store, signer, heartbeatMs: 0 });
  await expectError('ERR_LOG_LOCKED', () => openLog({ store, signer }));
  await log.append(testEvent(1));
  await log.close();
  const again = await openLog({ store, signer, heartbeatMs: 0 });
  expect((await again.append(testEvent(1))).index).toBe(1);
  await again.close();
});
