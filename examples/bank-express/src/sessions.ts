import type { Request } from 'express';
import type { OpenSession, SessionTracker } from '@indelible/session';

export type { OpenSession } from '@indelible/session';

/** Who is signed in where, as the record has it: a restart of the bank forgets nobody. */
export class Sessions {
  readonly #tracker: SessionTracker;

  constructor(tracker: SessionTracker) {
    this.#tracker = tracker;
  }

  /** The open session of a request. Its `sessionId` is the one to write down: what is in the cookie is a secret. */
  current(req: Request): OpenSession | undefined {
    return this.#tracker.find(req.sessionID);
  }

  find(sessionId: string): OpenSession | undefined {
    return this.#tracker.get(sessionId);
  }

  of(userId: string): readonly OpenSession[] {
    return this.#tracker.sessionsOf(userId);
  }

  /** Ends a session from outside of it; whoever has its cookie is nobody from now on. */
  async end({ sessionId }: OpenSession, by: { readonly userId: string; readonly isStaff: boolean; readonly reason: string }): Promise<void> {
    await this.#tracker.revoke({ sessionId }, { initiator: by.isStaff ? 'admin' : 'user', reason: by.reason, details: { revokedBy: by.userId } });
  }
}
