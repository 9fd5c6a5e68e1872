// Writes testdata/record/golden: the log that every later release must verify byte for byte. It prevents a change of format
// that nobody meant. Run once per format version, never to make a failing test pass.

import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';

const out = fileURLToPath(new URL('../testdata/record/golden/', import.meta.url));
const record = `${out}audit`;
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const [first, second] = [createSigningKey('golden.example/bank'), createSigningKey('golden.example/bank')];
const seals = [];
const options = (key) => ({ store: fileStore(record, { segmentBytes: 6_000 }), signer: parseSigningKey(key.secret), app: 'bank', instance: 'web-1', heartbeatMs: 0 });
const event = (i) => ({ id: `01932f6e-5b7a-7c11-9d2e-${String(i).padStart(12, '0')}`, event: ['login', 'extend', 'concurrent_warning', 'timeout', 'logout'][i % 5], userId: `user-${i % 3}`, sessionId: `s-${i % 4}`, ip: '203.0.113.7', userAgent: 'Zürich/1.0 "quoted" \u2028', details: { step: i } });

await createLog(record, { signer: parseSigningKey(first.secret) });
let log = await openLog(options(first));
for (let i = 0; i < 12; i++) await log.append(event(i));
await log.appendAll(Array.from({ length: 7 }, (_, i) => event(20 + i)));
seals.push(log.seal);
await log.close();

appendFileSync(`${record}/000001.ndjson`, 'another program wrote this\n{"id":"half an entry'); // a torn, foreign tail: the next opening leaves it behind
log = await openLog(options(first));
for (let i = 40; i < 52; i++) await log.append(event(i));
await log.rotateKey(parseSigningKey(second.secret));
for (let i = 60; i < 66; i++) await log.append(event(i));
seals.push(log.seal);
await log.close();
seals.push(log.seal);

rmSync(`${record}/cache`, { recursive: true });
writeFileSync(`${out}expected.json`, `${JSON.stringify({ genesisKey: first.vkey, lastKey: second.vkey, entries: log.size, seals }, null, 2)}\n`);
