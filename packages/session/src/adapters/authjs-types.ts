// What this adapter needs of Auth.js (@auth/core 0.41, next-auth 4 and 5), in its own words: the two have different declarations.

/** A token of the JWT strategy: its claims. */
export type Claims = Readonly<Record<string, unknown>>;

/** `decode` of `@auth/core/jwt` or of `next-auth/jwt`. */
export type DecodeToken = (params: never) => Promise<unknown>;

/** A session as an Auth.js database adapter has it. */
export interface AdapterSession {
  readonly sessionToken: string;
  readonly userId: string;
  readonly expires: Date;
}

/** The functions of a database adapter that sessions go through. */
export interface SessionAdapter {
  createSession?(session: AdapterSession): Promise<unknown>;
  getSessionAndUser?(token: string): Promise<{ readonly session: AdapterSession } | null>;
  updateSession?(session: Partial<AdapterSession> & { readonly sessionToken: string }): Promise<unknown>;
  deleteSession?(token: string): Promise<unknown>;
  deleteUser?(userId: string): Promise<unknown>;
}

/** What `callbacks.jwt` is called with. */
export interface JwtParams {
  readonly token: Claims;
  readonly user?: unknown;
  readonly trigger?: string | undefined;
}

type Authorize = (...args: unknown[]) => unknown;

/** A sign-in method; what its `options` say goes before what it says itself. */
export interface Provider {
  readonly type?: string;
  readonly authorize?: Authorize;
  readonly options?: { readonly authorize?: Authorize };
}

/** The parts of a configuration that are wrapped. */
export interface WrappedConfig {
  readonly secret?: string | readonly string[] | undefined;
  readonly adapter?: SessionAdapter | undefined;
  readonly providers: readonly (Provider | ((...args: unknown[]) => Provider))[];
  readonly session?: { readonly strategy?: string; readonly maxAge?: number } | undefined;
  readonly jwt?: { readonly decode?: (params: unknown) => Promise<Claims | null>; readonly secret?: string; readonly maxAge?: number } | undefined;
  readonly cookies?: { readonly sessionToken?: { readonly name?: string } } | undefined;
  readonly callbacks?: { readonly jwt?: (params: JwtParams) => Promise<Claims | null> | Claims | null } | undefined;
  readonly events?: { readonly signOut?: (message: { readonly token?: Claims | null }) => unknown } | undefined;
}
