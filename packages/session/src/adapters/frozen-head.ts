import type { ServerResponse } from 'node:http';

/** The head of a response that is held back, as everybody else sees it: sent. */
export interface FrozenHead {
  /** What a second `writeHead` does. @throws ERR_HTTP_HEADERS_SENT, always. */
  writeHead(): never;
  /** From now on the response has been ended, too. */
  end(): void;
  /** Makes it the response that it was when it was frozen. */
  thaw(): void;
}

/** What changes a head, with what Node calls that in its error. */
const CHANGES = { setHeader: 'set', setHeaders: 'set', appendHeader: 'append', removeHeader: 'remove' } as const;

/**
 * Makes a response that waits to be sent look like one that has been: by `headersSent` others decide whether they may still answer.
 *
 * Its headers cannot be changed, as with Node's own error; a status that is set meanwhile goes nowhere. Costs several own properties:
 * only for responses that are held.
 */
export function freezeHead(res: ServerResponse): FrozenHead {
  const { statusCode, statusMessage } = res;
  const before = new Map<string, PropertyDescriptor | undefined>();
  const put = (name: string, descriptor: PropertyDescriptor): void => {
    if (!before.has(name)) before.set(name, Object.getOwnPropertyDescriptor(res, name));
    Object.defineProperty(res, name, { ...descriptor, configurable: true });
  };
  put('headersSent', { get: () => true });
  // For whoever makes the head before it writes (`compression`): it has been made.
  put('_implicitHeader', { value: () => undefined, writable: true });
  for (const [name, what] of Object.entries(CHANGES)) {
    put(name, {
      writable: true,
      value() {
        throw headersSent(what);
      },
    });
  }
  return {
    writeHead() {
      throw headersSent('write');
    },
    end() {
      put('writableEnded', { get: () => true });
    },
    thaw() {
      for (const [name, descriptor] of before) {
        if (descriptor === undefined) delete (res as unknown as Record<string, unknown>)[name];
        else Object.defineProperty(res, name, descriptor);
      }
      before.clear();
      res.statusCode = statusCode;
      res.statusMessage = statusMessage;
    },
  };
}

function headersSent(what: string): Error {
  return Object.assign(new Error(`Cannot ${what} headers after they are sent to the client`), { code: 'ERR_HTTP_HEADERS_SENT' });
}
