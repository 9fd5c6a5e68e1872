// A customer's browser, and the reverse proxy before the bank, in one: it keeps cookies, and says where the customer is.

/** The network that the proxy sees the customer in; 198.51.100.0/24 and its like are reserved for documentation (RFC 5737). */
export class Browser {
  #cookie;
  #bank;
  #ip;
  #userAgent;
  /** Raw session ids that this browser was given: what must not be on the record. */
  secrets = new Set();

  constructor(bank, { ip, userAgent }) {
    this.#bank = bank;
    this.#ip = ip;
    this.#userAgent = userAgent;
  }

  /** Sends a request; `claims` is what the customer writes into X-Forwarded-For, before the proxy adds what it sees. */
  async send(method, path, body, claims) {
    const response = await fetch(new URL(path, this.#bank), {
      method,
      headers: {
        'x-forwarded-for': claims === undefined ? this.#ip : `${claims}, ${this.#ip}`,
        'x-forwarded-proto': 'https',
        'user-agent': this.#userAgent,
        ...(this.#cookie === undefined ? {} : { cookie: this.#cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  #keep(cookie) {
    [this.#cookie] = cookie.split(';', 1);
    if (this.#cookie.endsWith('=')) {
      this.#cookie = undefined; // told to forget it
      return;
    }
    // bank.sid=s:<secret>.<signature>
    const value = decodeURIComponent(this.#cookie.slice(this.#cookie.indexOf('=') + 1));
    this.secrets.add(value.slice(2, value.indexOf('.')));
  }
}
