import type { Request } from 'express';
import { SessionError } from '../error.ts';

/** The object that strategies are registered with: the default export of `passport`, or `new Passport()`. */
export interface PassportLike {
  use(...args: never[]): unknown;
}

/** Where Passport's `authenticate` gets a strategy from. No public part of it is asked each time. */
interface Strategies {
  _strategy?(name: string): Strategy | undefined;
}

interface Strategy {
  authenticate(this: Strategy & Outcomes, req: Request, options?: unknown): unknown;
}

/** What a strategy calls at its end. */
type Outcomes = Record<'fail' | (typeof OTHERWISE)[number], (...args: unknown[]) => void>;

const OTHERWISE = ['success', 'pass', 'redirect'] as const;

/**
 * Tells which requests Passport turned down, and the last strategy that did. Passport itself tells nobody.
 *
 * Where several strategies are tried, one that fails says little: the request is turned down when none of those behind it takes it.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID` where `passport` is none, or keeps its strategies in another place.
 */
export function passportFailures(passport: PassportLike): (req: Request) => string | undefined {
  const strategies = passport as unknown as Strategies | undefined;
  const find = strategies?._strategy?.bind(strategies);
  if (strategies === undefined || find === undefined) {
    throw new SessionError('ERR_SESSION_OPTION_INVALID', 'the option passport is not Passport as of 0.7: give the object that your strategies are registered with', 'passport');
  }
  const failures = new WeakMap<Request, string>();
  strategies._strategy = (name) => {
    const strategy = find(name);
    if (strategy === undefined || name === 'session') return strategy;
    // Passport makes an object of its own from the strategy for each request, and gives it fail.
    const watched = Object.create(strategy) as Strategy;
    watched.authenticate = function authenticate(req, options) {
      const { fail } = this;
      this.fail = (...args) => {
        failures.set(req, name);
        fail.apply(this, args);
      };
      for (const outcome of OTHERWISE) {
        const proceed = this[outcome];
        this[outcome] = (...args) => {
          failures.delete(req);
          proceed.apply(this, args);
        };
      }
      return strategy.authenticate.call(this, req, options);
    };
    return watched;
  };
  return (req) => failures.get(req);
}
