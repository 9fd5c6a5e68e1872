import { randomBytes } from 'node:crypto';
import type { SessionTracker } from '@indelible/session';
import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import session from 'express-session';
import { demoCustomers, type Customer } from './customers.ts';
import { confirmPassword } from './middleware/confirmPassword.ts';
import { requireSession } from './middleware/requireSession.ts';
import { sessionLogger } from './middleware/sessionLogger.ts';
import { account, transfer, type Transfer } from './routes/account.ts';
import { listSessions, revoke, staySignedIn } from './routes/sessions.ts';
import { signIn, signOut } from './routes/sign-in.ts';
import { Sessions } from './sessions.ts';

declare module 'express-session' {
  interface SessionData {
    /** Who is signed in. */
    userId: string;
  }
}

/** What the routes share. */
export interface Bank {
  readonly customers: ReadonlyMap<string, Customer>;
  readonly ledger: Transfer[];
  readonly sessions: Sessions;
  readonly now: () => number;
  /** The number that the next transfer will have. */
  nextTransferId(): string;
}

/** Options of `createBank`. */
export interface BankOptions {
  readonly tracker: SessionTracker;
  /** The bank's clock, Unix milliseconds. Default: the system's. */
  readonly now?: () => number;
  /** Signs the cookies. Default: a new one, so that nobody stays signed in across a restart. */
  readonly cookieSecret?: string;
}

/** The bank's web application. */
export interface BankApp {
  readonly app: Express;
  readonly bank: Bank;
}

/** Makes the bank. `openAudit` comes first: without a record nobody can sign in. */
export function createBank(options: BankOptions): BankApp {
  const ledger: Transfer[] = [];
  const bank: Bank = {
    customers: demoCustomers(),
    ledger,
    sessions: new Sessions(options.tracker),
    now: options.now ?? Date.now,
    nextTransferId: () => `T-${String(ledger.length + 1).padStart(4, '0')}`,
  };
  const app = express();
  app.disable('x-powered-by');
  // A proxy on this machine says whether the customer came by https.
  app.set('trust proxy', 'loopback');
  app.use(express.json({ limit: '10kb' }));
  // #region middleware
  const store = new session.MemoryStore();
  app.use(
    session({
      store,
      secret: options.cookieSecret ?? randomBytes(32).toString('base64url'),
      name: 'bank.sid',
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'strict', secure: 'auto' },
    }),
    sessionLogger(options.tracker, store),
  );
  // #endregion middleware
  app.post('/login', signIn(bank));
  app.use(requireSession(bank));
  app.post('/logout', signOut());
  app.get('/account', account(bank));
  app.post('/transfers', confirmPassword(bank), transfer(bank));
  app.post('/session/extend', staySignedIn());
  app.get('/sessions', listSessions(bank));
  app.delete('/sessions/:sessionId', revoke(bank));
  app.use(answerError);
  return { app, bank };
}

const answerError: ErrorRequestHandler = (error: unknown, _req, res: Response, next) => {
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
