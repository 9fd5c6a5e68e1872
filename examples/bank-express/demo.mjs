// npm run demo: a bank's working day goes on the record; then somebody tries to change it.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, createSigningKey, parseSigningKey, writeSigningKey } from '@indelible/log';
import { formatReport, verifyLog } from '@indelible/verify';
import { createBank } from './dist/bank.js';
import { openAudit } from './dist/middleware/sessionLogger.js';
import { Clock } from './demo/clock.mjs';
import { workingDay } from './demo/day.mjs';
import { bold, cell, dim, green, heading, paragraph, print, printed, red } from './demo/page.mjs';
import { PASSWORDS } from './demo/passwords.mjs';
import { printEntry, printLink, printRecord, readRecord } from './demo/record.mjs';
import { deleteLine, editByte, rollBack, signAnew } from './demo/tamper.mjs';

const ORIGIN = 'bank.example/sessions';
const failures = [];
const startedMs = performance.now();

const place = await mkdtemp(join(tmpdir(), 'indelible-demo-'));
const bankDirectory = join(place, 'bank');
const auditDirectory = join(bankDirectory, 'audit');
const signingKey = join(bankDirectory, 'audit.key');
const elsewhere = join(place, 'elsewhere');
await mkdir(bankDirectory, { mode: 0o700 });
await mkdir(elsewhere);

print();
print(bold('Indelible: a bank\'s working day, on a record that nobody can change unnoticed'));

// ---- 1

heading(1, 'The log');
const key = createSigningKey(ORIGIN);
await writeSigningKey(signingKey, key);
await createLog(auditDirectory, { signer: parseSigningKey(key.secret) });
await writeFile(join(elsewhere, 'audit.vkey'), `${key.vkey}\n`);
print(`   in           ${place}`);
print('   bank/        audit/ is the record; audit.key signs it (mode 0600, outside the record)');
print('   elsewhere/   what an auditor keeps: the public key, and at the end of the day a seal');
print(`   public key   ${dim(key.vkey)}`);

// ---- 2

const clock = new Clock();
heading(2, `The day: ${clock.date}`);
const audit = await openAudit({ directory: auditDirectory, signingKey, sidKey: randomBytes(32), now: clock.now });
const { app, bank } = createBank({ tracker: audit.tracker, now: clock.now });
clock.onTick = () => audit.tracker.sweep();
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const bankUrl = `http://127.0.0.1:${server.address().port}`;
paragraph(`Real HTTP requests to an Express 5 application at ${bankUrl}. It believes X-Forwarded-For from its proxy on this machine only; \
the demonstration plays that proxy, and the customers are in networks reserved for documentation.`);
print();

const { browsers, strange } = await workingDay(bankUrl, clock, ({ time, who, what, request, status }) => {
  print(`   ${dim(time)}  ${cell(who, 7)}  ${cell(what, 44)}  ${dim(cell(request, 24))}  ${status < 400 ? status : red(String(status))}`);
});
server.close();
await audit.close();
await writeFile(join(elsewhere, 'seal'), audit.seal);

// ---- 3

const record = await readRecord(auditDirectory);
heading(3, `The record: ${record.length} entries`);
printRecord(record);
print();
paragraph(`The times are the bank's clock, which was told to play yesterday. The log stamps what it sees itself: each of the \
bank's entries also carries recordedAt, ${record[1].entry.recordedAt}, the moment at which it was really written. One entry, to the byte:`);
print();
const warning = record.find(({ entry }) => entry.event === 'concurrent_warning');
printEntry(warning);
print();
paragraph('The bank\'s books name the session of every transfer, and the record says whose it was, and from where:');
print();
for (const transfer of bank.ledger) printLink(transfer, record);
print();
const passwords = Object.values(PASSWORDS);
const sessionIds = browsers.flatMap((browser) => [...browser.secrets]);
const found = await findTexts(auditDirectory, [...passwords, ...sessionIds]);
if (found > 0) failures.push(`${found} secrets are on the record or in this output`);
paragraph(`Searched the record and this output for the ${sessionIds.length} session ids that the cookies carried and the \
${passwords.length} passwords: ${found === 0 ? 'none of them is there.' : `${found} FOUND`}`);

// ---- 4

heading(4, 'The verification, with the public key from elsewhere');
const vkey = (await readFile(join(elsewhere, 'audit.vkey'), 'utf8')).trim();
const seal = await readFile(join(elsewhere, 'seal'), 'utf8');
const kept = { key: vkey, since: seal, sinceAt: 'elsewhere/seal' };
const report = await verifyLog(auditDirectory, kept);
for (const line of formatReport(report).trimEnd().split('\n')) {
  const [, label = ''] = /^ *([A-Za-z ]+ {2,}|- )/.exec(line) ?? [];
  paragraph(line, { hanging: label.length, style: line.startsWith('SOUND') ? green : plain });
}
if (report.verdict !== 'sound') failures.push(`the record itself is ${report.verdict}`);

// ---- 5

heading(5, 'Four attempts, each on a copy');
const login = record.find(({ entry }) => entry.event === 'login' && entry.sessionId === strange);

const edit = await editByte(auditDirectory, join(place, 'copy-a'), login);
await attempt('a', `One byte changed. Entry ${login.index}: the strange login came from ${login.entry.ip}, now from \
${login.entry.ip.slice(0, -1)}${edit.is} (byte ${edit.at}: ${edit.was} became ${edit.is}).`, { key: vkey }, ['history_changed'], login.index);

await deleteLine(auditDirectory, join(place, 'copy-b'), warning);
await attempt('b', `One line deleted. Entry ${warning.index}: the warning of a second session never was.`, { key: vkey }, ['history_changed', 'entries_missing'], warning.index);

await rollBack(auditDirectory, join(place, 'copy-c'), login);
await attempt('c', `Rolled back. Everything from entry ${login.index} on is gone; what remains ends with a seal that was genuine at 11:04.`, kept, ['rolled_back'], login.index);

const forged = await signAnew(record, join(place, 'copy-d'), ORIGIN, ({ sessionId }) => sessionId === strange);
await attempt('d', `Signed anew. The whole record again without the strange session, complete and consistent, under a key of the \
forger's own (${forged.split('+')[1]} instead of ${vkey.split('+')[1]}).`, { key: vkey }, ['key_mismatch'], 0);

// ---- 6

heading(6, 'What this did not prove');
for (const text of [
  'That what the bank reported is true and complete. A record proves what was reported, when it was on disk, and in which order.',
  'That nothing is missing behind the newest seal kept elsewhere. Attempt c without that seal is an older, genuine record: \
keep seals where the bank cannot reach them, and often.',
  'Anything against somebody who holds the signing key and every kept seal.',
  'Anything about what is served without the middleware. The routes of this bank know nothing of the record: sessions are compared, \
before and after each request, behind their backs.',
]) {
  paragraph(`- ${text}`, { hanging: 2 });
}

// ---- 7

heading(7, 'Try it yourself');
print(`   D=${place}`);
print('   npx indelible verify $D/bank/audit --key $D/elsewhere/audit.vkey --since $D/elsewhere/seal');
print('   npx indelible tail $D/bank/audit --events');
print('   npx indelible prove $D/bank/audit --index 1');
print('   npx indelible verify $D/copy-a --key $D/elsewhere/audit.vkey');
print('   sed -i s/maria/mario/ $D/bank/audit/000000.ndjson     # then verify again');
print();
paragraph(`Everything stays in ${place}; delete it when you are done. Next: docs/guide/quickstart.md.`);
print();
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
if (failures.length === 0) {
  print(green(`   Recorded, verified, and all four attempts caught, in ${seconds} s.`));
} else {
  for (const failure of failures) print(red(`   FAILED: ${failure}`));
  process.exitCode = 1;
}

function plain(text) {
  return text;
}

/** Verifies a copy and says how it was caught, by which finding and where; anything else is a failure of the demonstration. */
async function attempt(letter, deed, options, codes, index) {
  if (letter !== 'a') print();
  paragraph(`${letter}  ${deed}`, { hanging: 3 });
  const { verdict, findings } = await verifyLog(join(place, `copy-${letter}`), options);
  const finding = findings.find(({ code }) => codes.includes(code));
  const isCaught = verdict === 'not_sound' && finding !== undefined && (finding.where.index ?? 0) === index;
  if (isCaught) {
    print(`      ${green('caught')}  ${bold(finding.code)} at entry ${finding.where.index ?? 0}`);
    paragraph(finding.meaning, { indent: 14 });
  } else {
    print(`      ${red('NOT CAUGHT')}  the verdict is ${verdict}`);
    failures.push(`attempt ${letter} was not caught as ${codes.join(' or ')} at entry ${index}: ${verdict} ${JSON.stringify(findings)}`);
  }
  if (letter === 'c') await showWithoutSeal();
}

/** The honest half of attempt c: without a seal from elsewhere there is nothing to see. */
async function showWithoutSeal() {
  const { verdict } = await verifyLog(join(place, 'copy-c'), { key: vkey });
  paragraph(`Without the seal from elsewhere the verdict is ${verdict}: an older state is genuine, just not the newest. Hence seals elsewhere.`, { indent: 14, style: dim });
}

/** How many of the texts are in any file of a directory, or in what was printed. */
async function findTexts(directory, texts) {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  const contents = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')));
  return texts.filter((text) => [...contents, ...printed].some((content) => content.includes(text))).length;
}
