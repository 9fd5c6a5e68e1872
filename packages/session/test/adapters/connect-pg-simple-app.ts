import { PGlite } from '@electric-sql/pglite';
import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import type { AdapterUnderTest } from './adapter-under-test.ts';
import { startExpress } from './express-session-app.ts';

// One database for all scenarios: it takes seconds to start.
let database: Promise<PGlite> | undefined;

async function emptyDatabase(): Promise<PGlite> {
  database ??= PGlite.create();
  const postgres = await database;
  await postgres.exec('DROP TABLE IF EXISTS session; CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)');
  return postgres;
}

/** express-session with connect-pg-simple, whose expired rows stay until somebody prunes them. */
export const adapter: AdapterUnderTest = {
  name: 'express-session-postgres',
  title: 'express-session 1.19.0, Express 5.3.0 and connect-pg-simple 10.0.0, over PGlite',
  module: import.meta.url,
  async start(options) {
    const postgres = await emptyDatabase();
    const PgStore = connectPgSimple(session);
    const pool = { query: (text: string, values: unknown[]) => postgres.query(text, values) };
    const store = new PgStore({ pool: pool as never, pruneSessionInterval: false });
    const app = await startExpress(options, { store });
    return {
      ...app,
      async close() {
        await app.close();
        await Promise.resolve(store.close());
      },
    };
  },
};
