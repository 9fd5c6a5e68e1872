import { randomBytes } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express } from 'express';
import session from 'express-session';
import { demoCustomers, type Customer } from './customers.ts';
import { OpenSessions, POLICY, type SessionPolicy } from './open-sessions.ts';
import { sweep } from './session-end.ts';
import { requireSession } from './middleware/requireSession.ts';
import { account, transfer, type Transfer } from './routes/account.ts';
import { listSessions, revoke, staySignedIn } from './routes/sessions.ts';
import { signIn, signOut } from './routes/sign-in.ts';

declare module 'express-session' {
  interface SessionData {
    /** The session's name on the record. The cookie carries another id, which is a secret. */
    sessionId: string;
  }
}

/** What the routes share. */
export interface Bank {
  readonly customers: ReadonlyMap<string, Customer>;
  readonly ledger: Transfer[];
  readonly sessions: OpenSessions;
  readonly store: session.Store;
  readonly policy: SessionPolicy;
  /** Key of the hash under which a cookie's session id may stand on the record. */
  readonly sidHashKey: Uint8Array;
  readonly now: () => number;
}

/** Options of `createBank`. */
export interface BankOptions {
  readonly sidHashKey: Uint8Array;
  /** The bank's clock, Unix milliseconds. Default: the system's. */
  readonly now?: () => number;
  /** Signs the cookies. Default: a new one, so that nobody stays signed in across a restart. */
  readonly cookieSecret?: string;
}

/** The bank's web application. */
export interface BankApp {
  readonly app: Express;
  readonly bank: Bank;
  /** Ends the sessions whose time is up; call it every few seconds. */
  readonly sweep: () => void;
}

/** Makes the bank. `openAudit` comes first: without a record nobody can sign in. */
export function createBank(options: BankOptions): BankApp {
  const bank: Bank = {
    customers: demoCustomers(),
    ledger: [],
    sessions: new OpenSessions(),
    store: new session.MemoryStore(),
    policy: POLICY,
    sidHashKey: options.sidHashKey,
    now: options.now ?? Date.now,
  };
  const app = express();
  // X-Forwarded-For is believed only from a proxy on this machine; what a customer writes into it is not.
  app.set('trust proxy', 'loopback');
  app.disable('x-powered-by');
  app.use(express.json({ limit: '10kb' }));
  app.use(
    session({
      store: bank.store,
      secret: options.cookieSecret ?? randomBytes(32).toString('base64url'),
      name: 'bank.sid',
      resave: false,
      saveUninitialized: false,
      // Deadlines are the server's business (requireSession, sweep): the cookie has none of its own.
      cookie: { httpOnly: true, sameSite: 'strict', secure: 'auto' },
    }),
  );
  app.post('/login', signIn(bank));
  app.use(requireSession(bank));
  app.post('/logout', signOut(bank));
  app.get('/account', account(bank));
  app.post('/transfers', transfer(bank));
  app.post('/session/extend', staySignedIn(bank));
  app.get('/sessions', listSessions(bank));
  app.delete('/sessions/:sessionId', revoke(bank));
  app.use(answerError);
  return { app, bank, sweep: () => sweep(bank) };
}

const answerError: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) {
    next(error);
    return;
  }
  const { code, status } = error as { code?: unknown; status?: unknown };
  // A step that must be on the record, and could not be put there, is not taken.
  if (typeof code === 'string' && /^ERR_(LOG|SESSION|EVENT)_/.test(code)) {
    console.error(`refused a request: ${code}`);
    res.status(503).json({ error: 'this cannot be recorded at the moment, so it was not done; please try again' });
  } else {
    res.status(typeof status === 'number' ? status : 500).json({ error: 'the request failed' });
  }
};
