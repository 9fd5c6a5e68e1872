interface Row {
  readonly sessionToken: string;
  readonly userId: string;
  readonly expires: Date;
}

/** A database of Auth.js in memory. Whoever has an address is a user, whose id is in it. */
export function tables(store: { readonly isDown: boolean }) {
  const sessions = new Map<string, Row>();
  const links = new Map<string, { identifier: string; token: string; expires: Date }>();
  const reach = (): void => {
    if (store.isDown) throw new Error('the database is away');
  };
  const user = (id: string) => ({ id, email: addressOf(id), emailVerified: null });
  return {
    sessions,
    adapter: {
      async getUser(id: string) {
        return user(id);
      },
      async getUserByEmail(email: string) {
        return user(Buffer.from(email.split('@')[0] ?? '', 'hex').toString());
      },
      async getUserByAccount() {
        return null;
      },
      async createUser(created: object) {
        return created;
      },
      async updateUser(updated: { id: string }) {
        return user(updated.id);
      },
      async linkAccount() {},
      async createVerificationToken(link: { identifier: string; token: string; expires: Date }) {
        links.set(link.token, link);
        return link;
      },
      async useVerificationToken({ token }: { token: string }) {
        const link = links.get(token) ?? null;
        links.delete(token);
        return link;
      },
      async createSession(row: Row) {
        reach();
        sessions.set(row.sessionToken, row);
        return row;
      },
      async getSessionAndUser(token: string) {
        reach();
        const session = sessions.get(token);
        return session === undefined ? null : { session, user: user(session.userId) };
      },
      async updateSession(change: Partial<Row> & { sessionToken: string }) {
        reach();
        const row = sessions.get(change.sessionToken);
        if (row === undefined) return null;
        sessions.set(row.sessionToken, { ...row, ...change });
        return { ...row, ...change };
      },
      async deleteSession(token: string) {
        reach();
        sessions.delete(token);
      },
    },
  };
}

export function addressOf(id: string): string {
  return `${Buffer.from(id).toString('hex')}@users.example`;
}
