import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { memoryStore, openLog } from '@indelible/log';
import { SealDelivery } from '../dist/seal-to.js';
import { testEvent, testSigner } from './support/events.ts';
import { temporaryDirectory } from './support/temporary.ts';

const directory = temporaryDirectory('seals');
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server on loopback that answers with these statuses in turn, the last one for ever; 0 means never. */
async function listen(statuses: number[]): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(`${request.method} ${request.headers['content-type']}\n${body}`);
      const status = statuses.length > 1 ? statuses.shift()! : statuses[0]!;
      if (status !== 0) response.writeHead(status).end('thanks');
    });
  });
  server.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/seals`, bodies };
}

const NOTE = 'origin\n5\nroot\n\n\u2014 origin sig\n';

describe('seal delivery', () => {
  test('to a file: one JSON string a line, added to', async () => {
    const path = join(directory, 'seals.txt');
    const delivery = new SealDelivery(path, (error) => expect.fail(String(error)));
    await delivery.deliver(NOTE, 5);
    await delivery.deliver(NOTE, 5);
    await delivery.deliver(`${NOTE}6`, 6);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as string)).toEqual([NOTE, `${NOTE}6`]);
    expect(statSync(path).mode & 0o007).toBe(0);
  });

  test('to a URL: POST of the note', async () => {
    const { url, bodies } = await listen([200]);
    for (const destination of [url, new URL(url)]) {
      await new SealDelivery(destination, (error) => expect.fail(String(error))).deliver(NOTE, 5);
    }
    expect(bodies).toEqual(Array.from({ length: 2 }, () => `POST text/plain; charset=utf-8\n${NOTE}`));
  });

  test('to a function, once for each seal; those that come meanwhile are represented by the newest', async () => {
    const given: [string, number][] = [];
    let release!: () => void;
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const delivery = new SealDelivery(async (note, size) => {
      given.push([note, size]);
      if (size === 0) await first;
    }, (error) => expect.fail(String(error)));
    const all = Array.from({ length: 50 }, (_, size) => delivery.deliver(`seal ${size}`, size));
    release();
    await Promise.all(all);
    expect(given).toEqual([['seal 0', 0], ['seal 49', 49]]);
  });

  test('a failure is reported without secrets of the address, and the same seal tried again', async () => {
    const { url, bodies } = await listen([503, 200]);
    const errors: unknown[] = [];
    const delivery = new SealDelivery(`${url}?token=s3cret`, (error) => errors.push(error));
    await delivery.deliver(NOTE, 5);
    expect(String(errors[0])).toContain('HTTP 503');
    expect(String(errors[0])).not.toContain('s3cret');
    await delivery.deliver(NOTE, 5);
    expect(bodies).toHaveLength(2);
    expect(errors).toHaveLength(1);
  });

  test('a place that is not there, a folder that is missing, a function that throws', async () => {
    const errors: unknown[] = [];
    const report = (error: unknown): void => void errors.push(error);
    await new SealDelivery('http://127.0.0.1:1/', report).deliver(NOTE, 5);
    await new SealDelivery(join(directory, 'missing', 'seals.txt'), report).deliver(NOTE, 5);
    await new SealDelivery(() => { throw new Error('no'); }, report).deliver(NOTE, 5);
    await new SealDelivery(() => Promise.reject(new Error('no')), report).deliver(NOTE, 5);
    expect(errors).toHaveLength(4);
  });
});

describe('sealTo', () => {
  test('gets the seal of the start, of each heartbeat, and the last one; one failing place does not matter to the others', async () => {
    const path = join(directory, 'log-seals.txt');
    const sizes: number[] = [];
    const errors: unknown[] = [];
    const log = await openLog({
      store: memoryStore(),
      signer: testSigner(),
      heartbeatMs: 20,
      sealTo: [path, (_note, size) => void sizes.push(size), () => Promise.reject(new Error('full'))],
      onError: (error) => errors.push(error),
    });
    await log.append(testEvent(1));
    await expect.poll(() => sizes.length, { timeout: 10_000 }).toBeGreaterThan(3);
    await log.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1)!)).toBe(log.seal);
    expect(sizes.at(-1)).toBe(log.size);
    expect(sizes[0]).toBe(1);
    expect(new Set(sizes).size).toBe(sizes.length);
    expect(errors.length).toBeGreaterThan(0);
  });
});
