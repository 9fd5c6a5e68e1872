// A cluster whose workers all open the same log. The primary starts no worker anew.
import cluster from 'node:cluster';

if (cluster.isPrimary) {
  for (let i = 0; i < 4; i++) cluster.fork();
  process.on('message', () => cluster.fork()); // asked for another one
} else {
  process.on('disconnect', () => process.exit());
  await import('./log-writer.mjs');
}
