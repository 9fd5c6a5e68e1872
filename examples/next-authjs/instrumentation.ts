/** Next.js calls this once when a server starts: a session whose time is up is recorded although nobody comes back. */
export async function register(): Promise<void> {
  if (process.env['NEXT_RUNTIME'] !== 'nodejs') return;
  const { sessions } = await import('./record');
  await sessions.register();
}
