import { Passport } from 'passport';
import { Strategy } from 'passport-local';
import type { AdapterUnderTest } from './adapter-under-test.ts';
import { startExpress } from './express-session-app.ts';

/** express-session with Passport and its local strategy. */
export const adapter: AdapterUnderTest = {
  name: 'passport',
  title: 'Passport 0.7.0 with passport-local, express-session 1.19.0, Express 5.3.0 and the memory store',
  module: import.meta.url,
  start(options) {
    const passport = new Passport();
    passport.use(
      new Strategy({ usernameField: 'user', passwordField: 'user', passReqToCallback: true }, (req, user, _password, done) => {
        done(null, req.query['fail'] === undefined ? { id: user } : false);
      }),
    );
    passport.serializeUser((user, done) => done(null, (user as { id: string }).id));
    passport.deserializeUser((id: string, done) => done(null, { id }));
    const logIn = (req: Express.Request, id: string): Promise<void> =>
      new Promise((resolve, reject) => req.logIn({ id }, (error) => (error === undefined ? resolve() : reject(error as Error))));
    return startExpress(options, {
      capture: { passport },
      mount(app) {
        app.use(passport.initialize(), passport.session());
        app.get('/me', async (req, res, next) => {
          await new Promise((resolve) => setTimeout(resolve, Number(req.query['delay'] ?? 0)));
          if (req.user === undefined) next();
          else res.json({ user: (req.user as { id: string }).id });
        });
        app.post('/login', passport.authenticate('local'), (_req, res) => void res.json({}));
        app.post('/logout', (req, res, next) => req.logOut((error) => (error === undefined ? void res.status(204).end() : next(error))));
        app.post('/regenerate', async (req, res) => {
          await logIn(req, (req.user as { id: string }).id);
          res.json({});
        });
        app.post('/switch', async (req, res) => {
          await logIn(req, req.query['user'] as string);
          res.json({});
        });
      },
    });
  },
};
