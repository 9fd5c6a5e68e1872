import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a deletion must repeat of a cookie for the browser to find it. */
interface CookieScope {
  readonly path?: string | undefined;
  readonly domain?: string | undefined;
  readonly secure?: unknown;
}

/**
 * Tells the browser to forget the signed cookie of a session that is over, unless the answer says something about it already.
 *
 * express-session leaves it there, and each later request would bring it again: a use after the end that nobody meant. The cookie is
 * found by what is in it, `s:<id>.<signature>`; its name is express-session's own secret.
 */
export function expireCookie(req: IncomingMessage, res: ServerResponse, sid: string, { path, domain, secure }: CookieScope): void {
  const name = cookieName(req.headers.cookie ?? '', `s:${sid}.`);
  if (name === undefined || res.headersSent) return;
  const set = res.getHeader('set-cookie') ?? [];
  const lines = Array.isArray(set) ? set : [String(set)];
  if (lines.some((line) => line.startsWith(`${name}=`))) return;
  const scope = [`Path=${path ?? '/'}`, ...(domain === undefined ? [] : [`Domain=${domain}`]), ...(secure === true ? ['Secure'] : [])];
  res.setHeader('set-cookie', [...lines, [`${name}=`, ...scope, 'Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'HttpOnly'].join('; ')]);
}

/** The name of the cookie whose value begins so. */
function cookieName(header: string, beginning: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && decode(pair.slice(at + 1).trim()).startsWith(beginning)) return pair.slice(0, at).trim();
  }
  return undefined;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}
