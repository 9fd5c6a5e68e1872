import { Browser } from './browser.mjs';
import { PASSWORDS } from './passwords.mjs';

// Addresses of documentation networks (RFC 5737, RFC 3849).
const MARIA_AT_HOME = { ip: '198.51.100.23', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Firefox/146.0' };
const SOMEWHERE_ELSE = { ip: '203.0.113.200', userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0' };
const JONAS_ON_THE_ROAD = { ip: '192.0.2.77', userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1) Safari/605.1' };
const AYLIN_AT_WORK = { ip: '2001:db8:40::1c', userAgent: 'Mozilla/5.0 (Macintosh) Safari/618.1' };
const PETRA_AT_THE_DESK = { ip: '198.51.100.140', userAgent: 'Mozilla/5.0 (Windows NT 10.0) Firefox/146.0' };

/**
 * A working day of four people at the bank, by HTTP. Calls `onStep({ time, who, what, request, status })` for each.
 *
 * Returns the browsers, for the secrets that they were given, and the session that nobody at home had opened.
 */
export async function workingDay(bankUrl, clock, onStep) {
  const maria = new Browser(bankUrl, MARIA_AT_HOME);
  const stranger = new Browser(bankUrl, SOMEWHERE_ELSE);
  const jonas = new Browser(bankUrl, JONAS_ON_THE_ROAD);
  const aylin = new Browser(bankUrl, AYLIN_AT_WORK);
  const petra = new Browser(bankUrl, PETRA_AT_THE_DESK);

  async function step(time, who, browser, what, expected, method, path, body, claims) {
    await clock.moveTo(time);
    const answer = await browser.send(method, path, body, claims);
    onStep({ time, who, what, request: `${method} ${path}`, status: answer.status });
    if (answer.status !== expected) throw new Error(`${method} ${path} was answered ${answer.status}, not ${expected}`);
    return answer.body;
  }
  const login = (user, password = PASSWORDS[user]) => ['POST', '/login', { user, password }];

  await step('08:02', 'maria', maria, 'signs in at home', 200, ...login('maria'));
  await step('08:02', 'maria', maria, 'looks at the account', 200, 'GET', '/account');
  await step('08:09', 'maria', maria, 'presses "stay signed in"', 200, 'POST', '/session/extend');
  await step('08:15', 'maria', maria, 'pays the rent, 650.00', 201, 'POST', '/transfers', { to: 'landlord', amountCents: 65_000 });
  await step('08:16', 'maria', maria, 'signs out', 204, 'POST', '/logout');

  await step('09:14', 'jonas', jonas, 'mistypes the password, claims to be 10.0.0.1', 401, ...login('jonas', 'cooper-widow-07'), '10.0.0.1');
  await step('09:15', 'jonas', jonas, 'signs in on the road', 200, ...login('jonas'));
  await step('09:16', 'jonas', jonas, 'looks at the account, puts the phone away', 200, 'GET', '/account');
  await step('09:58', 'jonas', jonas, 'is back after 42 minutes: signed out', 401, 'GET', '/account');

  await step('11:04', 'maria', maria, 'signs in at home again', 200, ...login('maria'));
  await step('11:07', '(maria)', stranger, 'signs in as maria, from somewhere else', 200, ...login('maria'));
  await step('11:08', '(maria)', stranger, 'sends 4,900.00 away: password once more', 201, 'POST', '/transfers', {
    to: 'R. Novak', amountCents: 490_000, password: PASSWORDS.maria,
  });
  const open = await step('11:12', 'maria', maria, 'asks where she is signed in', 200, 'GET', '/sessions');
  const strange = open.find((session) => !session.isThisOne).sessionId;
  await step('11:13', 'maria', maria, 'ends the other session: "not me"', 204, 'DELETE', `/sessions/${strange}`);
  await step('11:14', '(maria)', stranger, 'tries to go on', 401, 'GET', '/account');
  await step('11:15', 'maria', maria, 'presses "stay signed in", and goes', 200, 'POST', '/session/extend');

  await step('13:30', 'aylin', aylin, 'signs in at work', 200, ...login('aylin'));
  const session = (await step('13:31', 'aylin', aylin, 'asks where she is signed in', 200, 'GET', '/sessions'))[0].sessionId;
  await step('13:33', 'petra', petra, 'signs in at the service desk', 200, ...login('petra'));
  await step('13:34', 'petra', petra, 'ends her session: a lost laptop', 204, 'DELETE', `/sessions/${session}`, { reason: 'lost_device' });
  await step('13:36', 'petra', petra, 'signs out', 204, 'POST', '/logout');
  await clock.moveTo('18:00');

  return { browsers: [maria, stranger, jonas, aylin, petra], strange };
}
