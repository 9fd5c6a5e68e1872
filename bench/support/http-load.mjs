// A process that sends the same request over a few connections, each as soon as the answer to the one before is there.
//
//   node http-load.mjs PORT CONNECTIONS        then, per line of input {"head": "…", "count": n}: a line of output {"ms": …}
//
// A process of its own: what it costs must not count as the server's.

import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [, , port, connections] = process.argv.map(Number);

for await (const line of createInterface({ input: process.stdin })) {
  const { head, count } = JSON.parse(line);
  const request = Buffer.from(`${head}\r\n\r\n`);
  let left = count;
  const begin = performance.now();
  await Promise.all(Array.from({ length: connections }, () => exchange(() => left-- > 0, request)));
  process.stdout.write(`${JSON.stringify({ ms: performance.now() - begin })}\n`);
}

function exchange(mayGoOn, request) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.on('error', reject);
    socket.on('close', resolve);
    let received = '';
    const send = () => (mayGoOn() ? socket.write(request) : socket.end());
    socket.on('connect', send);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      if (!received.startsWith('HTTP/1.1 200')) reject(new Error(received.slice(0, 100)));
      received = '';
      send();
    });
  });
}
