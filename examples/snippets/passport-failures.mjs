// An option of captureSessions that says more about a failed login of Passport. Put into capture-passport.mjs by e2e/guides.test.ts.
/** @param {ReadonlyMap<string, string>} passwords */
export const failuresOf = (passwords) => ({
  // #region failed
  failedLogin({ req, res }) {
    if (req.method !== 'POST' || req.path !== '/login' || res.statusCode !== 401) return undefined;
    const user = req.body?.username; // a name that nobody has may be a password in the wrong field: it is not recorded
    if (!passwords.has(user)) return { reason: 'unknown_user', details: { strategy: 'local' } };
    return { userId: user, reason: 'wrong_password', details: { strategy: 'local' } };
  },
  // #endregion failed
});
