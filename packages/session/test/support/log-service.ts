import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the service got it. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly events: Record<string, unknown>[];
}

/** A small log service: takes events, gives each id one index. */
export interface LogService {
  readonly url: string;
  readonly requests: Received[];
  /** What is on its record. */
  readonly record: Record<string, unknown>[];
  /** Answers the next requests instead of the service, one each; `undefined` lets it answer itself. */
  readonly answers: (((received: Received, response: ServerResponse) => void) | undefined)[];
  close(): Promise<void>;
}

/** Starts one on the loopback interface. */
export async function startLogService(): Promise<LogService> {
  const [requests, record, answers, byId]: [Received[], Record<string, unknown>[], LogService['answers'], Map<unknown, number>] = [[], [], [], new Map()];
  const server: Server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const lines = Buffer.concat(chunks).toString('utf8').split('\n').slice(0, -1);
      const received: Received = { path: request.url ?? '', headers: request.headers, events: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
      requests.push(received);
      const answer = answers.shift();
      if (answer !== undefined) answer(received, response);
      else response.end(acknowledge(received));
    });
  });
  const acknowledge = ({ events }: Received): string =>
    events
      .map((event) => {
        if (!byId.has(event['id'])) byId.set(event['id'], record.push(event) - 1);
        return `{"id":"${String(event['id'])}","index":${byId.get(event['id'])}}\n`;
      })
      .join('');
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    record,
    answers,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}
