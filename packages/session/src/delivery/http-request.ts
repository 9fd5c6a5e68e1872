import { isId, parseJsonStrict } from '@indelible/event';
import { SessionError } from '../error.ts';
import type { CheckedHttpOptions } from './http-options.ts';

/** An event as it is sent. */
export interface HttpEvent {
  readonly id: string;
  readonly line: string;
}

const FIRST_RETRY_MS = 200;
/** `{"id":"…","index":…}` and a newline. */
const MAX_ANSWER_LINE = 80;
const MAX_REFUSAL_BYTES = 16_384;

/** Posts events, again while the service is busy. Resolves to their places on the record. */
export async function postEvents(events: readonly HttpEvent[], options: CheckedHttpOptions): Promise<number[]> {
  const until = performance.now() + options.timeoutMs;
  const body = events.map(({ line }) => `${line}\n`).join('');
  for (let retryMs = FIRST_RETRY_MS; ; retryMs *= 2) {
    const answer = await post(body, options, until - performance.now(), events.length * MAX_ANSWER_LINE + MAX_REFUSAL_BYTES);
    if (answer.status === 200) return readAcknowledgements(answer.text, events, options);
    if (answer.status !== 429 && answer.status !== 503) throw refusal(answer, options);
    const waitMs = answer.retryAfterMs ?? retryMs;
    if (performance.now() + waitMs >= until) throw unavailable(`it is busy (${answer.status}) and asks to come back in ${Math.ceil(waitMs / 1000)} s`, options);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

async function post(body: string, { endpoint, token, timeoutMs }: CheckedHttpOptions, leftMs: number, maxBytes: number): Promise<Answer> {
  const headers: Record<string, string> = { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  try {
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(leftMs)));
    const response = await fetch(endpoint, { method: 'POST', body, headers, redirect: 'manual', signal });
    const text = await readText(response, maxBytes);
    return { status: response.status, text, retryAfterMs: parseRetryAfter(response.headers.get('retry-after')) };
  } catch (cause) {
    if (cause instanceof SessionError) throw cause;
    const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
    throw unavailable(isTimeout ? `it did not answer within ${timeoutMs} ms` : 'the connection failed', { endpoint }, cause);
  }
}

/** A service that answers without end is cut off. */
async function readText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw new SessionError('ERR_SESSION_SINK_ANSWER_INVALID', `the log service answered with more than ${maxBytes} bytes: is this the right url?`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Seconds, or a date. @see RFC 9110 §10.2.3 */
function parseRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now());
}

function readAcknowledgements(text: string, events: readonly HttpEvent[], { endpoint }: CheckedHttpOptions): number[] {
  const fail = (what: string): SessionError => new SessionError('ERR_SESSION_SINK_ANSWER_INVALID', `the answer of ${endpoint.origin} is no acknowledgement: ${what}; is this the url of a log service?`);
  const lines = text.split('\n');
  if (lines.pop() !== '') throw fail('its last line has no end');
  if (lines.length !== events.length) throw fail(`it has ${lines.length} lines for ${events.length} events`);
  return lines.map((line, at) => {
    const { id, index } = parseAcknowledgement(line) ?? {};
    if (id === undefined || index === undefined) throw fail(`line ${at + 1} is not {"id":…,"index":…}`);
    if (id !== events[at]?.id) throw fail(`line ${at + 1} is about another event`);
    return index;
  });
}

function parseAcknowledgement(line: string): { id: string; index: number } | undefined {
  let value: unknown;
  try {
    value = parseJsonStrict(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== 'id,index') return undefined;
  const { id, index } = value as { id: unknown; index: unknown };
  return isId(id) && Number.isSafeInteger(index) && (index as number) >= 0 ? { id, index: index as number } : undefined;
}

/** What the service says about the request itself. */
function refusal({ status, text }: Answer, { endpoint }: CheckedHttpOptions): SessionError {
  const code = /"code":"(ERR_[A-Z_]{1,60})"/.exec(text)?.[1];
  const cause = code === undefined ? undefined : Object.assign(new Error(`the log service says ${code}`), { code });
  if (status === 401 || status === 403) {
    return new SessionError('ERR_SESSION_SINK_UNAUTHORIZED', `${endpoint.origin} does not let this token write (${status}): give a token that may append as token, or in INDELIBLE_TOKEN`, undefined, cause);
  }
  if (status === 400 || status === 409 || status === 413 || status === 422) {
    return new SessionError('ERR_SESSION_SINK_REFUSED', `${endpoint.origin} refuses the event for good (${status}${code === undefined ? '' : `, ${code}`})`, undefined, cause);
  }
  return unavailable(status >= 300 && status < 400 ? `it names another place (${status}), where the token is not sent: correct url` : `it answered ${status}`, { endpoint }, cause);
}

function unavailable(what: string, { endpoint }: { readonly endpoint: URL }, cause?: unknown): SessionError {
  return new SessionError('ERR_SESSION_SINK_UNAVAILABLE', `${endpoint.origin} did not take the events: ${what}`, undefined, cause);
}
