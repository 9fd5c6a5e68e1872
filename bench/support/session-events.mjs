// Real session events of about 300 bytes a line, as the tracker writes them: what every benchmark records.

const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0)',
];
const EVENTS = ['login', 'extend', 'extend', 'logout', 'timeout'];

/** The i-th event of a made-up working day; the same for every run. */
export function sessionEvent(i) {
  const user = i % 5000;
  return {
    event: EVENTS[i % EVENTS.length],
    userId: `user-${user}`,
    sessionId: `s-${String(i).padStart(12, '0')}`,
    sidHash: 'Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZmdoaWo',
    outcome: 'success',
    initiator: 'user',
    ip: `203.0.113.${user % 250}`,
    userAgent: AGENTS[i % AGENTS.length],
  };
}
