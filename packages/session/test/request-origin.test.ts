import { currentOrigin, runWithOrigin } from '@indelible/session';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

describe('runWithOrigin', () => {
  it('is known to whatever the request starts, and to nothing else', async () => {
    expect(currentOrigin()).toBeUndefined();
    const seen = await Promise.all(['192.0.2.1', '192.0.2.2'].map((ip) => runWithOrigin({ ip }, async () => {
      await turn();
      return currentOrigin();
    })));
    expect(seen).toEqual([{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }]);
    expect(currentOrigin()).toBeUndefined();
  });

  it('gives what the function gives, and throws what it throws', () => {
    expect(runWithOrigin({}, () => 7)).toBe(7);
    expect(() => runWithOrigin({}, () => {
      throw new RangeError('of the application');
    })).toThrow('of the application');
    expect(currentOrigin()).toBeUndefined();
  });

  it('takes the innermost', () => {
    runWithOrigin({ ip: '192.0.2.1' }, () => {
      runWithOrigin({ resource: 'POST /login' }, () => expect(currentOrigin()).toEqual({ resource: 'POST /login' }));
      expect(currentOrigin()).toEqual({ ip: '192.0.2.1' });
    });
  });

  it('is shared by two copies of the module', async () => {
    const file = new URL('../dist/request-origin.js', import.meta.url).href;
    const [one, two] = (await Promise.all([import(/* @vite-ignore */ `${file}?one`), import(/* @vite-ignore */ `${file}?two`)])) as [
      { runWithOrigin: typeof runWithOrigin },
      { runWithOrigin: typeof runWithOrigin; currentOrigin: typeof currentOrigin },
    ];
    expect(one.runWithOrigin).not.toBe(two.runWithOrigin);
    expect(one.runWithOrigin({ ip: '192.0.2.9' }, () => two.currentOrigin())).toEqual({ ip: '192.0.2.9' });
  });
});
