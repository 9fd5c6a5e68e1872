const DEPENDENCIES = /^(?:next-auth|@auth\/|better-auth|passport|express-session|cookie-session|iron-session|lucia|@lucia-auth\/|@clerk\/|@auth0\/|auth0|@fastify\/(?:session|secure-session|passport|jwt)|koa-session|koa-passport|@hono\/auth|hono-sessions|keycloak|@azure\/msal|oidc-client|openid-client|supertokens|@workos-inc\/authkit|@kinde|nuxt-auth|@sidebase\/nuxt-auth|@nestjs\/passport|@adonisjs\/auth|firebase$|aws-amplify|@supabase\/(?:auth|ssr)|@indelible\/session)/;
const CODE = /['"`/](?:log-?in|sign-?in|log-?out|sign-?out)\b|\b(?:login|signIn|logIn|logout|signOut|logOut|authenticateUser|loginUser|userLogin|createSession|destroySession)\s*(?:\(|=[^=]|:\s*(?:async|\(|function))|req\.session\b|\bgetServerSession\b|\bsignInWith\w+/;

/** Whether an application signs users in at all. */
export class SessionSigns {
  #found = false;

  get found(): boolean {
    return this.#found;
  }

  /** Looks at a file of code. */
  read(_path: string, text: string): void {
    if (!this.#found && CODE.test(text)) this.#found = true;
  }

  /** Looks at what the manifests depend on. */
  dependencies(names: Iterable<string>): void {
    for (const name of names) if (DEPENDENCIES.test(name)) this.#found = true;
  }
}
