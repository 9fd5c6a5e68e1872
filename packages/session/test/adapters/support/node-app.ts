import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clientAddress, runWithOrigin, SessionError, type TrustProxy } from '@indelible/session';

/** A request of the suite, taken apart. */
export interface AppRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: string;
  readonly query: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
  answer(status: number, body?: unknown): void;
  setCookie(name: string, value: string, attributes?: string): void;
}

/** A server of `node:http` whose requests run with their origin, for libraries that bring no server of their own. */
export async function serve(trustProxy: TrustProxy, handle: (request: AppRequest) => Promise<void>): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { ip } = clientAddress({ socketAddress: request.socket.remoteAddress, headers: request.headers }, trustProxy);
    const cookies = new Map<string, string>();
    for (const pair of (request.headers.cookie ?? '').split(/; */)) {
      const at = pair.indexOf('=');
      if (at > 0) cookies.set(pair.slice(0, at), decode(pair.slice(at + 1)));
    }
    const answer = (status: number, body: unknown = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const app: AppRequest = {
      request, response, cookies, answer,
      route: `${request.method} ${url.pathname}`,
      query: url.searchParams,
      setCookie(name, value, attributes = '') {
        response.appendHeader('set-cookie', `${name}=${encodeURIComponent(value)}; Path=/; HttpOnly${attributes}`);
      },
    };
    const origin = { ip, userAgent: request.headers['user-agent'], resource: url.pathname };
    runWithOrigin(origin, () => handle(app)).catch((error: unknown) => {
      response.removeHeader('set-cookie');
      answer(error instanceof SessionError && error.code === 'ERR_SESSION_NOT_DURABLE' ? 503 : 500);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
