// Records session events of old in a log of their own: of a pino log file, or of an audit table that was exported, one JSON object a line.
//
//   node import-sessions.mjs OLD LOG
//
// First all lines are checked; where one cannot be recorded truthfully, nothing is. Running it again records nothing twice.

import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { encodeEvent, factId, parseTime, sidHash } from '@indelible/event';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';

const [old, directory] = process.argv.slice(2);
const sidKey = readFileSync(process.env.SID_KEY_FILE);

// #region names
// What your application called them, in lower case. A line with another name, or with none, is passed over.
const NAMES = {
  login: 'login', signin: 'login', session_created: 'login',
  logout: 'logout', signout: 'logout', session_destroyed: 'logout',
  timeout: 'timeout', session_expired: 'timeout',
  extend: 'extend', extension: 'extend', session_extended: 'extend',
  concurrent_warning: 'concurrent_warning',
  login_failed: 'login_failed', failed_login: 'login_failed',
};
// #endregion

// #region fields
// Which field of a row is which field of an entry; the rest goes under details, where secrets are redacted.
function toEvent(row, line, text) {
  const { event, action, userId, user_id, timestamp, created_at, time, ip, ip_address, userAgent, user_agent, sid, sessionId, session_id, reason, app, id, ...details } = row;
  const name = NAMES[String(event ?? action).toLowerCase()];
  if (name === undefined) return undefined;
  const timeMs = parseTime(timestamp ?? created_at ?? time, 'timestamp');
  // An old row may hold the framework's session id, which is a secret for as long as that session lives.
  const rawSid = sid ?? sessionId ?? session_id;
  const hash = rawSid === undefined || rawSid === null ? undefined : sidHash(sidKey, String(rawSid));
  return {
    // The same row has the same id, however often it is imported.
    id: factId(timeMs, 'imported', basename(old), String(line)),
    timestamp: timeMs,
    event: name,
    userId: asText(userId ?? user_id),
    sidHash: hash,
    sessionId: hash && `imported-${createHash('sha256').update(hash).digest('hex').slice(0, 16)}`,
    ip: asText(ip ?? ip_address),
    userAgent: asText(userAgent ?? user_agent),
    reason: asText(reason),
    app: app ?? 'my-app',
    instance: 'import',
    details: { ...details, imported: { from: basename(old), line, row: id, sha256: createHash('sha256').update(text).digest('hex') } },
  };
}
// #endregion

function asText(value) {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

async function* events() {
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(old), crlfDelay: Infinity })) {
    line++;
    if (text.trim() === '') continue;
    let event;
    let problem;
    try {
      event = toEvent(JSON.parse(text), line, text);
      if (event !== undefined) encodeEvent(event, { nowMs: Date.now() });
    } catch (error) {
      problem = error.message;
    }
    yield { line, event, problem };
  }
}

let wanted = 0;
let passedOver = 0;
let bad = 0;
for await (const { line, event, problem } of events()) {
  if (problem !== undefined) {
    bad++;
    console.error(`${old}:${line}: ${problem}`);
  } else if (event === undefined) passedOver++;
  else wanted++;
}
if (bad > 0) {
  console.error(`${bad} lines cannot be recorded, so nothing was: correct toEvent, not the lines`);
  process.exit(1);
}

const key = `${directory}.key`;
const log = await openLog({ app: 'import', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
let batch = [];
for await (const { event } of events()) {
  if (event !== undefined) batch.push(event);
  if (batch.length === 1_000) await log.appendAll(batch.splice(0));
}
await log.appendAll(batch);
await log.close();
console.log(`${wanted} events are on the record, ${passedOver} lines were passed over`);
