import { SESSION_EVENTS } from '@indelible/event';
import { UNKNOWN_PIECE } from '../code/strings.ts';

/** The five events of the check, in its order. */
export const EVENTS = ['login', 'logout', 'timeout', 'extension', 'concurrent_warning'] as const;

/** One of the five. */
export type EventName = (typeof EVENTS)[number];

/** What a log of ours calls an event of the check: `extension` is stored as `extend`. */
export function recordedName(event: EventName): string {
  return SESSION_EVENTS[EVENTS.indexOf(event)] ?? event;
}

/** The four without which nothing passes. */
export const REQUIRED: readonly EventName[] = ['login', 'logout', 'timeout', 'extension'];

/** What a name says. `weak` names count only where users' sessions are the subject; `other` is a session event that is none of the five. */
export interface Reading {
  readonly event: EventName | 'other';
  readonly weak: boolean;
}

const LOGIN = /\b(?:login|logon|log in|logged in|sign in|signed in|signin|logins|loggedin)\b/;
const LOGOUT = /\b(?:logout|log out|logged out|log off|logged off|logoff|sign out|signed out|signout|loggedout|sign off)\b/;
const AUTHENTICATED = /^(?:user |auth |session |admin )?(?:authenticated|authentication (?:success|succeeded|successful)|auth (?:success|succeeded))$/;
const NOT_DONE = /\b(?:fail|fails|failed|failure|failures|failing|attempt|attempts|attempted|attempting|error|errors|blocked|denied|invalid|rejected|required|unauthorized|forbidden|unsuccessful|incorrect|wrong|locked|lockout|lock|throttled|limited|disabled|aborted|cancelled|canceled|bad|missing|deny|reject|unverified|not|cannot|rate limit|brute|suspicious|initiated|pending|requested|challenge|sent|prompt|reminder|warning shown|skipped|start|started|starting|begin|step|flow)\b/;
const NOT_AN_EVENT = /\b(?:page|view|viewed|views|button|btn|click|clicked|form|settings?|config|configuration|policy|link|url|path|redirect|route|modal|dialog|title|label|placeholder|count|history|list|listed|get|fetch|check|checked|validate|schema|screen|tab|menu|nav|updated|changed|enabled|method|provider|count|field|api|endpoint|email|notification|alert|streak|bonus|reward|daily)\b/;
const IMPERSONATION = /\bimpersonat\w*\b|\blogin as\b|\bassume\w*\b/;
const FOREIGN = /\b(?:chat|table|dining|study|game|gaming|whatsapp|wa|checkout|stripe|upload|recording|terminal|agent|validation|import|training|document|signing|signature|payment|visitor|guest|cart|call|support|coaching|therapy|class|lesson|workout|exam|quiz|booking|trading|cash|pos|shift|shell|tmux|ssh|claude|ai|llm|copilot|conversation|browser|voice|video|meeting|live|livestream|webrtc|socket|websocket|ws|db|database|transaction|idle in transaction|practice|learning|tutoring|mentoring|appointment|parking|charging|print|scan|scanning|counting|inventory|stream|streaming|debug|sandbox|container|pomodoro|focus|sleep|meditation|mood|stripe|telegram|bot|crawl|scrape|query|sql|feeding|treatment|vote|voting|poll|council|court|photo|spa|planning|review|interview|testing|proctoring|attendance|consultation|telehealth|event|sprint|race|session type)\b/;
const FOREIGN_TOKEN = /\b(?:oauth|google|github|gitlab|slack|microsoft|outlook|gmail|calendar|spotify|strava|quickbooks|xero|salesforce|hubspot|shopify|facebook|instagram|linkedin|twitter|zoom|fitbit|garmin|plaid|integration|integrations|connector|webhook|api key|invite|invitation|otp|csrf|reset|verification|link|upload|cloud|aws|azure|provider|fcm|push|device token|third party|vendor|bank|payment|csrf|hcm|erp|sap)\b/;
const MORE = '(?:extend|extended|extending|extension|extends|renew|renewed|renewal|renews|refresh|refreshed|refreshing|keep ?alive|keepalive|prolong|prolonged|touch|touched|continue|continued|rolled|rotated|rotate|rotation|heartbeat|bumped)';
const SESSION_MORE = new RegExp(`\\bsessions?\\b.*\\b${MORE}\\b|\\b${MORE}\\b.*\\bsessions?\\b`);
/** Without one of these stems nothing is about a session: spares most names the closer look. */
const STEM = /log|sign|session|time|idle|inactiv|expir|extend|extension|refresh|renew|token|keep|stay|concurr|simult|device|authent|auth|evict|revo|kick/i;
const SESSION = /\bsessions?\b/;

/** A name or short phrase in lower-case words: `SESSION_TIMEOUT`, `userLoggedIn`, `auth.session-expired`. */
export function wordsOf(name: string): string {
  return name
    .replaceAll(UNKNOWN_PIECE, ' ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .trim()
    .toLowerCase();
}

/** Reads the name of an event; undefined where it names none of a session. */
export function readEventName(name: string): Reading | undefined {
  if (name.length > 200 || !STEM.test(name)) return undefined;
  const words = wordsOf(name);
  const count = words === '' ? 0 : words.split(' ').length;
  if (count === 0 || count > 9) return undefined;
  return readConcurrent(words) ?? readTimeout(words) ?? readExtension(words) ?? readLogout(words, count) ?? readLogin(words, count) ?? readOther(words);
}

function readConcurrent(words: string): Reading | undefined {
  if (FOREIGN.test(words.replace(/\b(?:live|call|event)\b/g, '')) || NOT_AN_EVENT.test(words)) return undefined;
  if (/\b(?:concurrent|concurrency|simultaneous|parallel|multiple|duplicate|overlapping|double)\b.*\b(?:session|sessions|login|logins|device|devices|log in|sign in)\b/.test(words)) return strong('concurrent_warning');
  if (/\b(?:concurrent|simultaneous)(?: (?:warning|detected|session))?$/.test(words) && /concurrent|session/.test(words)) return words === 'concurrent' ? weak('concurrent_warning') : strong('concurrent_warning');
  if (/\b(?:max|maximum|session|sessions|device|devices) (?:active )?(?:sessions?|devices?|limit)\b.*\b(?:exceeded|reached|hit|violation|enforced|limit|evicted)\b|\bsession limit\b|\btoo many (?:active )?(?:sessions|devices)\b|\bmax sessions?\b/.test(words)) return strong('concurrent_warning');
  if (/\bsessions? (?:was |were )?(?:evicted|evict|replaced|superseded|displaced|kicked|conflict|takeover|taken over|preempted)\b|\bevict(?:ed)? (?:oldest )?sessions?\b|\b(?:old|oldest|previous|existing) sessions? (?:evicted|replaced|revoked|terminated|kicked|removed|invalidated)\b/.test(words)) return strong('concurrent_warning');
  if (/\b(?:new|another|other|unknown|unrecogni[sz]ed|different) device\b/.test(words) && /\b(?:login|logged in|sign in|signed in|signin|detected|session)\b|new device$/.test(words) && !LOGOUT.test(words) && !NOT_DONE.test(words)) return strong('concurrent_warning');
  return undefined;
}

function readTimeout(words: string): Reading | undefined {
  if (/\b(?:settings?|config|configuration|policy|updated|changed|set|extended|extend|expiring|soon|about to|will|cleanup|cleaned|check|checked|minutes|seconds|ms|page|route|modal|dialog|reset|view|hours|duration|value|period|enabled|disabled|options?)\b/.test(words)) return undefined;
  if (FOREIGN.test(words) || FOREIGN_TOKEN.test(words)) return undefined;
  const over = /\b(?:time out|timed out|timeout|timedout|expired|expire|expires|expiry|expiration|idle|inactive|inactivity|lapsed)\b/;
  const warning = /\b(?:warning|warn|warned)\b/;
  if (warning.test(words)) return undefined;
  if (/\b(?:auto|automatic|automatically|idle|inactivity|forced by (?:idle|inactivity)) ?(?:user )?(?:logout|log out|logged out|logoff|log off|signout|sign out|signed out|lock)\b/.test(words) && !/\block\b/.test(words)) return strong('timeout');
  if (LOGOUT.test(words) && (over.test(words) || /\b(?:auto|automatic)\b/.test(words))) return strong('timeout');
  if (SESSION.test(words) && over.test(words)) return strong('timeout');
  if (/\b(?:idle|inactivity|inactive) (?:time ?out|timed out|timeout|detected|expired|limit|exceeded|logout)\b|\buser (?:idle|inactive)$/.test(words)) return strong('timeout');
  if (/^(?:user |auth |absolute |idle |login )?(?:timeout|timed out|time out|expired|expire|expiration|inactivity|idle)$/.test(words)) return weak('timeout');
  if (/\b(?:refresh|session|auth|login) token (?:has |was |is )?expired\b/.test(words) && !/\baccess\b/.test(words)) return strong('timeout');
  if (/^(?:user |auth |jwt )?token expired$/.test(words)) return weak('timeout');
  return undefined;
}

function readExtension(words: string): Reading | undefined {
  if (/\b(?:fail|failed|failure|error|invalid|reuse|reused|replay|missing|expired|revoked|revoke|denied|rejected|blocked|theft|stolen|not|attempt|attempted|suspicious|mismatch|limit|required|unauthorized|unable|detected|warning|delete|deleted|cleanup|store|stored|issued|created)\b/.test(words)) return undefined;
  if (FOREIGN.test(words) || FOREIGN_TOKEN.test(words)) return undefined;
  if (SESSION_MORE.test(words)) return strong('extension');
  if (/\btokens?\b.*\b(?:refresh|refreshed|refreshing|refreshes|renew|renewed|renewal|rotated|rotate|rotation|extended|extend)\b|\b(?:refresh|refreshed|renew|renewed|rotated|rotate)\b.*\btokens?\b/.test(words)) return strong('extension');
  if (/\b(?:keep ?alive|stay (?:logged|signed) in)\b/.test(words)) return strong('extension');
  if (/^(?:user |auth )?(?:extend|extended|extension|refresh|refreshed|renew|renewed|renewal)(?: success| successful)?$/.test(words)) return weak('extension');
  return undefined;
}

function readLogout(words: string, count: number): Reading | undefined {
  if (IMPERSONATION.test(words) || NOT_AN_EVENT.test(words.replace(/\bdevice\b/, ''))) return undefined;
  if (/\b(?:fail|failed|failure|error|attempt|attempted|invalid|pending|not|initiated|required|requested)\b/.test(words)) return undefined;
  if (LOGOUT.test(words)) return strong('logout');
  if (FOREIGN.test(words)) return undefined;
  if (count <= 6 && /\b(?:sessions?)\b.*\b(?:ended|end|terminated|terminate|termination|revoked|revoke|destroyed|destroy|closed|close|invalidated|invalidate|deleted|delete|killed|finished|removed)\b|\b(?:revoked?|terminated?|destroyed?|invalidated?|ended|closed?|deleted?|killed?)\b.*\bsessions?\b/.test(words)) {
    return { event: 'logout', weak: true };
  }
  return /^(?:user |session )?(?:revocation|revoked?|evicted|kicked(?: out)?)$/.test(words) ? weak('logout') : undefined;
}

function readLogin(words: string, count: number): Reading | undefined {
  if (IMPERSONATION.test(words) || NOT_AN_EVENT.test(words) && !/\b(?:api|email|provider|method|link)\b/.test(words)) return undefined;
  if (count > 7) return undefined;
  const started = /\bsessions? (?:was |is )?(?:created|create|started|start|opened|open|established|new|initialized)\b|\b(?:create|start|open|new|created|started) (?:user )?session\b/;
  if (started.test(words) && !FOREIGN.test(words) && !/\b(?:fail|failed|failure|error|invalid|not)\b/.test(words)) return weak('login');
  if (NOT_DONE.test(words)) return undefined;
  if (LOGIN.test(words)) return strong('login');
  return AUTHENTICATED.test(words) ? strong('login') : undefined;
}

function readOther(words: string): Reading | undefined {
  if (FOREIGN.test(words) || NOT_AN_EVENT.test(words)) return undefined;
  if (LOGIN.test(words) && /\b(?:fail|failed|failure|attempt|attempts|blocked|denied|invalid)\b/.test(words)) return strong('other');
  if (/\b(?:session|token)\b.*\b(?:hijack\w*|fixation|reuse|reused|regenerated|theft|replay|mismatch|suspicious)\b/.test(words)) return strong('other');
  return undefined;
}

function strong(event: EventName | 'other'): Reading {
  return { event, weak: false };
}

function weak(event: EventName): Reading {
  return { event, weak: true };
}

/** Reads a sentence as it is logged: `User 17 logged out due to inactivity`. */
export function readMessage(message: string): Reading | undefined {
  if (message.length > 400 || !STEM.test(message)) return undefined;
  const text = message.replaceAll(UNKNOWN_PIECE, ' … ').replace(/\s+/g, ' ').trim();
  if (!/\s/.test(text)) return readEventName(text);
  const words = text.toLowerCase();
  if (/\b(?:failed|fail|fails|failure|failing|error|unable|could ?n[o']t|cannot|can't|invalid|denied|attempt(?:ing|ed|s)?|trying|must|should|please|not|never|already|if|when|before|without|no longer|missing|required|rejected|blocked|unauthorized|wrong|incorrect|too many|disabled|starting|started|start|redirect\w*|loading|checking|check|calling|received|request|requested|handling|processing|going to|will|impersonat\w*|page|endpoint|route|initialized|initializing|rate limit\w*|url|button|lockout|locked|exception)\b/.test(words)) return undefined;
  const plain = words.replace(/^[^a-z…]+/, '').replace(/\[[^\]]*\]|\([^)]*\)/g, ' ').replace(/\s+/g, ' ').trim();
  if (/\bsessions?\b.{0,30}\b(?:timed out|time[- ]?out|expired|has expired|timeout)\b|\b(?:logged|signed) out\b.{0,20}\b(?:inactiv|idle|timeout|timed out|expir)|\bauto(?:matic(?:ally)?)?[- ]?(?:logged|log|signed|sign)[- ]?out\b|\b(?:idle|inactivity) (?:timeout|logout)\b|\bexpired sessions?\b/.test(plain) && !/clean|purg|delet|remov|prun|found \d|count/.test(plain)) return FOREIGN.test(plain) ? undefined : strong('timeout');
  if (/\bconcurrent (?:session|login)|\bsession limit\b|\bmax(?:imum)? (?:number of )?(?:concurrent |active )?sessions\b|\banother device\b|\bnew device\b.{0,20}\b(?:login|sign|detected)|\b(?:login|sign[- ]in|logged in|signed in) from (?:a )?new device|\bmultiple (?:active )?sessions\b|\bevict(?:ed|ing)\b.{0,30}\bsession/.test(plain)) return FOREIGN.test(plain.replace(/\bevent\b/g, '')) ? undefined : strong('concurrent_warning');
  if (/\bsession\b.{0,25}\b(?:extended|renewed|refreshed|prolonged)\b|\b(?:extended|renewed|refreshed)\b.{0,15}\bsession\b|\btokens?\b.{0,25}\b(?:refreshed|renewed|rotated)\b|\b(?:refreshed|renewed|rotated)\b.{0,20}\btokens?\b|\btoken refresh (?:success|complete)/.test(plain)) return FOREIGN.test(plain) || FOREIGN_TOKEN.test(plain) ? undefined : strong('extension');
  if (/\b(?:logged|signed) ?(?:out|off)\b|\b(?:logout|sign[- ]?out|log ?off) (?:success|successful|successfully|completed?|event|for|by|of)\b|\bsuccessful(?:ly)? (?:logout|sign[- ]?out)\b|^(?:…|user|admin)? ?(?:log ?out|sign ?out)\b[:. ]*…?$/.test(plain)) return strong('logout');
  if (/\bsession\b.{0,20}\b(?:terminated|revoked|destroyed|ended|invalidated)\b/.test(plain)) return FOREIGN.test(plain) ? undefined : weak('logout');
  if (/\b(?:is|are|be|get|being|currently|stay|remain|you|keep|logged in users?|who) (?:logged|signed) in\b|\blogged in users?\b/.test(plain)) return undefined;
  if (/\b(?:logged|signed) ?in\b|\b(?:login|log-in|sign[- ]?in|authentication) (?:success|successful|successfully|succeeded|completed?|ok|event|for|by)\b|\bsuccessful(?:ly)? (?:\w+ )?(?:login|log-in|sign[- ]?in|logged|authenticated|authentication)\b|^(?:…|user|admin|new)? ?(?:log ?in|sign ?in)\b[:.! ]*…?$|\bauthenticated successfully\b|\buser … authenticated\b|\bnew login\b/.test(plain)) return NOT_AN_EVENT.test(plain.replace(/\b(?:email|provider|method|api|link|field|user)\b/g, '')) ? undefined : strong('login');
  return undefined;
}

/** Whether a reason turns a logout into a timeout. */
export function isTimeoutReason(reason: string): boolean {
  return /\b(?:time ?out|timed ?out|idle|inactiv\w*|expired|expiry|expiration|absolute|auto(?:matic)?(?: logout)?|max age)\b/.test(wordsOf(reason));
}

/** Whether a reason turns a logout into a warning of a concurrent session. */
export function isConcurrentReason(reason: string): boolean {
  return /\b(?:concurrent|session limit|max sessions?|limit exceeded|exceed\w* (?:the |max |session )*limit|new (?:login|device)|another (?:login|device|session)|evict\w*|replaced|superseded|too many)\b/.test(wordsOf(reason));
}

/** Whether the surroundings of a call are about something else's sessions. */
export function isForeignPlace(words: string): boolean {
  return FOREIGN.test(words.replace(/\b(?:document|event|import|live|db|database|query|planning|review|testing|training|class|call|table|support|ai|agent|browser|api|socket)s?\b/g, ' '));
}

/** Whether the surroundings of a call are about users and their sessions. */
export function isUserPlace(words: string): boolean {
  return /\b(?:auth|audit|authentication|login|logout|user|users|account|accounts|security|identity|jwt|token|tokens|signin|sign in|session|sessions|middleware|idle|sso|credentials|passport)\b/.test(words);
}
