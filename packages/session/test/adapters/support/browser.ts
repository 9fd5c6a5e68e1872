/** An answer of the application. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** What a browser, or the proxy before the application, sends with each request. */
export interface BrowserOptions {
  readonly userAgent?: string;
  readonly forwardedFor?: string;
}

export const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0';

/**
 * A small browser. It keeps cookies past their expiry, as a client that wants to do so can, and drops those that it is told to.
 */
export class Browser {
  url: string;
  /** Everything that the application ever gave it in a cookie. */
  readonly secrets = new Set<string>();
  readonly cookies = new Map<string, string>();
  readonly #options: BrowserOptions;

  constructor(url: string, options: BrowserOptions = {}) {
    this.url = url;
    this.#options = options;
  }

  /** Another client with a copy of this one's cookies. */
  clone(): Browser {
    const copy = new Browser(this.url, this.#options);
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }

  get(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.#send('GET', path, signal);
  }

  post(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.#send('POST', path, signal);
  }

  login(user: string): Promise<Answer> {
    return this.post(`/login?user=${encodeURIComponent(user)}`);
  }

  async #send(method: string, path: string, signal?: AbortSignal): Promise<Answer> {
    const { userAgent = USER_AGENT, forwardedFor } = this.#options;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, this.url), {
      method,
      redirect: 'manual',
      headers: {
        'user-agent': userAgent,
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'POST' ? { origin: new URL(this.url).origin } : {}),
        ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
    return { status: response.status, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';');
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    const isGone = attributes.some((attribute) => {
      const [key = '', held = ''] = attribute.trim().split('=');
      if (key.toLowerCase() === 'max-age') return Number(held) <= 0;
      return key.toLowerCase() === 'expires' && Date.parse(held) <= Date.now();
    });
    if (value === '' || isGone) {
      this.cookies.delete(name);
      return;
    }
    this.cookies.set(name, value);
    const decoded = decodeURIComponent(value);
    // s:<id>.<signature>, <token>.<signature>, <header>.<payload>.<signature>: no part of any of them may be on the record.
    for (const part of [value, decoded, ...decoded.replace(/^s:/, '').split(/[.|]/)]) if (part.length >= 16) this.secrets.add(part);
  }
}
