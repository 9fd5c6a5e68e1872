import { SessionError } from '../error.ts';
import { defaultSource, type Source } from './source.ts';

/** Options of `httpSink`. */
export interface HttpSinkOptions {
  /** Where the log service is; `/v1/events` is added. */
  readonly url: string | URL;
  /** Who may write there. Default: the environment variable `INDELIBLE_TOKEN`. */
  readonly token?: string;
  /** How long a request may take, retries included. Default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Must be given to send over http to another machine, where everybody on the way reads events and token. */
  readonly plainHttp?: 'accept';
  /** Written on events that do not name their own. Default: as `openLog` does. */
  readonly app?: string;
  readonly instance?: string;
}

/** Checked options. */
export interface CheckedHttpOptions {
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly timeoutMs: number;
  readonly source: Source;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/** @throws SessionError `ERR_SESSION_OPTION_INVALID` */
export function checkHttpOptions(options: HttpSinkOptions): CheckedHttpOptions {
  const { url, token = process.env['INDELIBLE_TOKEN'], timeoutMs = DEFAULT_TIMEOUT_MS, plainHttp, app, instance } = options;
  let endpoint: URL;
  try {
    endpoint = new URL(url);
  } catch {
    throw invalid('url is no URL: write it like https://audit.example');
  }
  if (endpoint.protocol !== 'https:' && endpoint.protocol !== 'http:') throw invalid(`url must begin with https://, not ${endpoint.protocol}`);
  if (endpoint.username !== '' || endpoint.password !== '') throw invalid('url must not hold a user name or password: give the token as token, or in INDELIBLE_TOKEN');
  if (endpoint.search !== '' || endpoint.hash !== '') throw invalid('url must not have a query or a fragment');
  if (endpoint.protocol === 'http:' && !isLoopback(endpoint.hostname) && plainHttp !== 'accept') {
    throw invalid(`url is http to ${endpoint.hostname}: use https, or accept that everybody on the way reads along with plainHttp: 'accept'`);
  }
  if (token !== undefined && !/^[\x21-\x7e]{1,4096}$/.test(token)) throw invalid('token must be printable ASCII without spaces');
  if (!(Number.isSafeInteger(timeoutMs) && timeoutMs > 0 && timeoutMs < 2 ** 31)) throw invalid(`timeoutMs is ${timeoutMs}: give whole milliseconds from 1 up`);
  endpoint.pathname = `${endpoint.pathname.replace(/\/+$/, '')}/v1/events`;
  return { endpoint, token: token === '' ? undefined : token, timeoutMs, source: defaultSource({ app, instance }) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host);
}

function invalid(problem: string): SessionError {
  return new SessionError('ERR_SESSION_OPTION_INVALID', `httpSink: ${problem}`);
}
