import { RedisStore } from 'connect-redis';
import type { AdapterUnderTest } from './adapter-under-test.ts';
import { startExpress } from './express-session-app.ts';

/** As much of Redis as a session store needs: texts that expire. */
class SmallRedis {
  readonly #values = new Map<string, { readonly text: string; readonly untilMs: number }>();

  get(key: string): Promise<string | null> {
    const value = this.#values.get(key);
    if (value !== undefined && value.untilMs > Date.now()) return Promise.resolve(value.text);
    this.#values.delete(key);
    return Promise.resolve(null);
  }

  set(key: string, text: string, options: { expiration?: { value: number } } = {}): Promise<string> {
    const { expiration } = options;
    this.#values.set(key, { text, untilMs: expiration === undefined ? Infinity : Date.now() + expiration.value * 1000 });
    return Promise.resolve('OK');
  }

  async expire(key: string, seconds: number): Promise<number> {
    const text = await this.get(key);
    if (text === null) return 0;
    await this.set(key, text, { expiration: { value: seconds } });
    return 1;
  }

  del(keys: readonly string[]): Promise<number> {
    return Promise.resolve(keys.filter((key) => this.#values.delete(key)).length);
  }
}

/** express-session with connect-redis, whose sessions expire without a word. */
export const adapter: AdapterUnderTest = {
  name: 'express-session-redis',
  title: 'express-session 1.19.0, Express 5.3.0 and connect-redis 9.0.0, over a stand-in for Redis',
  module: import.meta.url,
  start: (options) => startExpress(options, { store: new RedisStore({ client: new SmallRedis() }) }),
};
