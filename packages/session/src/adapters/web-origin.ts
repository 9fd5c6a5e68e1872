import { clientAddress } from '../client-address.ts';
import { currentOrigin, type Origin } from '../request-origin.ts';
import type { TrustProxy } from '../trust-proxy.ts';

/** A request of the web platform, as far as its origin goes: a `Request`, or the headers alone. */
export interface WebRequest {
  readonly headers: Headers;
  readonly url?: string | undefined;
}

/**
 * The origin of a web `Request`: that of `runWithOrigin` where the request runs in it, else what its headers say.
 *
 * A `Request` does not know the other end of its connection: without `runWithOrigin`, and without a proxy that is trusted to
 * name the client, there is no address.
 */
export function webOrigin(request: WebRequest | undefined, trust: TrustProxy): Origin {
  const current = currentOrigin();
  if (current !== undefined || request === undefined) return current ?? {};
  const { ip } = clientAddress({ headers: request.headers }, trust);
  const userAgent = request.headers.get('user-agent') ?? undefined;
  return { ip, userAgent, resource: pathOf(request.url) };
}

function pathOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url, 'http://localhost').pathname;
}
