import { authRequests } from './authjs-request.ts';
import type { AuthSessions } from './authjs-sessions.ts';
import type { AdapterSession, SessionAdapter } from './authjs-types.ts';
import { isPastAbsolute } from './tracker-source.ts';

/** The database strategy: an adapter whose sessions are on the record. */
export function recordAdapter(adapter: SessionAdapter, sessions: AuthSessions): SessionAdapter {
  const used = (session: AdapterSession): Promise<void> => {
    const request = authRequests.getStore();
    const isExplicit = request?.action === 'session' && request.isPost;
    return sessions.used({ sid: session.sessionToken, userId: String(session.userId), idleDeadlineMs: new Date(session.expires).getTime() }, isExplicit);
  };
  return {
    ...adapter,

    async createSession(session) {
      const { sessionToken: sid, userId, expires } = session;
      await sessions.login({ sid, userId: String(userId), idleDeadlineMs: new Date(expires).getTime() });
      try {
        return await adapter.createSession?.(session);
      } catch (error) {
        await sessions.logout(sid, { reason: 'session_not_stored', initiator: 'system' });
        throw error;
      }
    },

    async getSessionAndUser(token) {
      const found = (await adapter.getSessionAndUser?.(token)) ?? null;
      if (found === null) {
        await sessions.presented(token);
        return null;
      }
      // Auth.js is about to delete it.
      if (new Date(found.session.expires).getTime() < Date.now()) return found;
      if (isPastAbsolute((await sessions.tracker()).find(token))) {
        await adapter.deleteSession?.(token);
        await sessions.presented(token);
        return null;
      }
      const request = authRequests.getStore();
      // A wish for more time is recorded with the deadline that it is granted.
      if (!(request?.action === 'session' && request.isPost)) await used(found.session);
      return found;
    },

    async updateSession(session) {
      const updated = await adapter.updateSession?.(session);
      const userId = (await sessions.tracker()).find(session.sessionToken)?.userId;
      if (session.expires !== undefined && userId !== undefined) await used({ userId, ...session, expires: session.expires });
      return updated;
    },

    async deleteSession(token) {
      const request = authRequests.getStore();
      let deleted: unknown;
      try {
        deleted = await adapter.deleteSession?.(token);
      } catch (error) {
        // Auth.js drops the cookie all the same: the user is out, whoever else has the token is not.
        if (request?.action === 'signout') await sessions.logout(token, { details: { revocation: 'client_side_only' } });
        throw error;
      }
      const open = (await sessions.tracker()).find(token);
      const isPast = open?.idleDeadlineMs !== undefined && open.idleDeadlineMs <= Date.now();
      if (request?.action === 'callback') await sessions.logout(token, { reason: 'account_switch' });
      else if (isPast && request?.action !== 'signout') await sessions.presented(token);
      else await sessions.logout(token);
      return deleted;
    },

    async deleteUser(userId) {
      const deleted = await adapter.deleteUser?.(userId);
      await (await sessions.tracker()).revoke({ userId: String(userId) }, { ...sessions.fact(), initiator: 'system', reason: 'account_deleted' });
      return deleted;
    },
  };
}
