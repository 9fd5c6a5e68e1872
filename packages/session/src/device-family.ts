/** The first that is found wins: most browsers name those that they descend from as well. */
const BROWSERS: readonly (readonly [string, RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|Opera|OPiOS)\b/],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Vivaldi', /\bVivaldi\//],
  ['Firefox', /\b(?:Firefox|FxiOS|Focus)\//],
  ['Chrome', /\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//],
  ['Safari', /\bVersion\/[\d.]+ .*Safari\//],
  ['Internet Explorer', /\b(?:MSIE |Trident\/)/],
  ['curl', /^curl\//],
  ['Node.js', /^(?:node|undici|axios|got)\b/],
  ['Python', /^(?:python|aiohttp)/i],
  ['Java', /^(?:Java|okhttp|Apache-HttpClient)\b/],
  ['Go', /^Go-http-client\b/],
];

const SYSTEMS: readonly (readonly [string, RegExp])[] = [
  ['Windows', /\bWindows\b/],
  ['iOS', /\b(?:iPhone|iPad|iPod)\b/],
  ['Android', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMac OS X\b|\bMacintosh\b/],
  ['Linux', /\b(?:Linux|X11)\b/],
];

/** Longer claims are judged by their beginning: everything that counts stands there. */
const MAX_CHARACTERS = 512;
const MAX_KNOWN = 1000;
const known = new Map<string, string>();

/**
 * What kind of client a user agent claims to be, such as `Firefox on Windows (desktop)`: browser family, operating system family
 * and whether it is carried around. Versions are left out, so that an update is no other device.
 *
 * A user agent is the client's own claim: another family is news, the same one proves nothing. Linear in at most 512 characters.
 */
export function deviceFamily(userAgent: string): string {
  const claim = userAgent.length > MAX_CHARACTERS ? userAgent.slice(0, MAX_CHARACTERS) : userAgent;
  const found = known.get(claim);
  if (found !== undefined) return found;
  const family = familyOf(claim);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(claim, family);
  return family;
}

function familyOf(claim: string): string {
  const browser = BROWSERS.find(([, pattern]) => pattern.test(claim))?.[0] ?? 'another client';
  const system = SYSTEMS.find(([, pattern]) => pattern.test(claim))?.[0];
  if (system === undefined) return browser;
  return `${browser} on ${system} (${formOf(claim, system)})`;
}

/** Android tablets leave out the word that Android phones have. */
function formOf(claim: string, system: string): 'desktop' | 'mobile' | 'tablet' {
  if (/\biPad\b/.test(claim)) return 'tablet';
  if (/\bMobile\b/.test(claim) || system === 'iOS') return 'mobile';
  return system === 'Android' ? 'tablet' : 'desktop';
}
