// What this adapter needs of better-auth 1.7, in its own words: its declarations need those of the browser, and bring its version with them.

/** A session as better-auth stores it. */
export interface SessionRow {
  readonly token: string;
  readonly userId: string;
  readonly expiresAt: Date | string;
  readonly impersonatedBy?: string | null | undefined;
}

/** The part of an endpoint's context that belongs to the whole of better-auth. */
export interface AuthContext {
  readonly session?: { readonly session: SessionRow } | null | undefined;
  readonly newSession?: { readonly session: SessionRow } | null | undefined;
  readonly returned?: unknown;
  readonly secret: string;
  readonly authCookies: { readonly sessionToken: { readonly name: string } };
  readonly options: {
    readonly secondaryStorage?: unknown;
    readonly session?:
      | { readonly storeSessionInDatabase?: boolean | undefined; readonly cookieCache?: { readonly enabled?: boolean | undefined; readonly maxAge?: number | undefined } | undefined }
      | undefined;
    readonly plugins?: readonly { readonly id: string }[] | undefined;
  };
  readonly internalAdapter: {
    findUserByEmail(email: string): Promise<{ readonly user: { readonly id: string } } | null>;
    deleteSession(token: string): Promise<unknown>;
  };
}

/** What an endpoint runs with. */
export interface EndpointContext {
  readonly path?: string | undefined;
  readonly headers?: Headers | undefined;
  readonly request?: Request | undefined;
  readonly body?: unknown;
  readonly context: AuthContext;
}

/** A hook of endpoints. */
export interface EndpointHook {
  matcher(context: unknown): boolean;
  handler: ((context: unknown) => Promise<{ response: undefined; headers: null }>) & { options: Record<string, never> };
}

/** The plugin, as `plugins` of `betterAuth` takes it. */
export interface BetterAuthSessionPlugin {
  readonly id: 'indelible-session-record';
  init(): {
    options: {
      databaseHooks: {
        session: {
          create: { before: DatabaseHook; after: DatabaseHook };
          update: { after: DatabaseHook };
          delete: { after: DatabaseHook };
        };
      };
    };
  };
  readonly hooks: { before: EndpointHook[]; after: EndpointHook[] };
}

type DatabaseHook = (row: SessionRow & Record<string, unknown>, context: unknown) => Promise<void>;
