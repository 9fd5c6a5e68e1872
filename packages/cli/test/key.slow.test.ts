import { copyFileSync, existsSync, readFileSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSigningKey, fileStore, openLog, readSigningKey, writeSigningKey } from '@indelible/log';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, indelible, json, logins, newLogTemplate } from './support/indelible.ts';

let template: Awaited<ReturnType<typeof newLogTemplate>>;
let cwd: string;
beforeAll(async () => {
  template = await newLogTemplate();
  const directory = template.copy();
  await indelible(['append', 'audit'], { cwd: directory, stdin: logins(3) });
  template.adopt(directory);
});
afterAll(() => template.remove());
beforeEach(() => {
  cwd = template.copy();
});

describe('key show', () => {
  test('prints the public key of a log, a file, or the environment', async () => {
    const secret = readFileSync(join(cwd, 'audit.key'), 'utf8');
    const expected = { status: 0, stdout: `${template.vkey}\n`, stderr: '' };
    expect(await indelible(['key', 'show', 'audit'], { cwd })).toEqual(expected);
    expect(await indelible(['key', 'show', '--signing-key', 'audit.key'], { cwd })).toEqual(expected);
    expect(await indelible(['key', 'show'], { cwd, env: { INDELIBLE_SIGNING_KEY: secret } })).toEqual(expected);
    expect(await indelible(['key', 'show'], { cwd, env: { INDELIBLE_SIGNING_KEY_FILE: 'audit.key' } })).toEqual(expected);
    expect(json((await indelible(['key', 'show', 'audit', '--json'], { cwd })).stdout)).toEqual({
      origin: template.origin,
      vkey: template.vkey,
      keyId: template.vkey.split('+')[1],
    });
  });
});

describe('key rotate', () => {
  const oldId = (): string => template.vkey.split('+')[1]!;

  test('hands over: old key kept aside, new one in place, old and new verify', async () => {
    const { status, stdout, stderr } = await indelible(['key', 'rotate', 'audit'], { cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const vkey = (await indelible(['key', 'show', 'audit'], { cwd })).stdout.trim();
    expect(vkey).not.toBe(template.vkey);
    expect(stdout).toContain(vkey);
    expect(stdout).not.toContain('PRIVATE');
    expect(readdirSync(cwd).sort()).toEqual(['audit', 'audit.key', 'audit.key.pin', `audit.key.retired-${oldId()}`]);
    for (const name of ['audit.key', `audit.key.retired-${oldId()}`]) expect(statSync(join(cwd, name)).mode & 0o777).toBe(0o600);
    expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1) })).status).toBe(0);
    expect((await indelible(['verify', 'audit', '--key', template.vkey, '--pin', 'audit.key.pin'], { cwd })).status).toBe(0);
    const retired = await indelible(['append', 'audit', '--signing-key', `audit.key.retired-${oldId()}`], { cwd, stdin: logins(1) });
    expect(retired).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('was retired') as string });
  });

  test('--destroy-old and --json; twice', async () => {
    const one = json<{ from: string; to: string; index: number }>((await indelible(['key', 'rotate', 'audit', '--json', '--destroy-old'], { cwd })).stdout);
    expect(one).toEqual({ origin: template.origin, from: template.vkey, to: expect.any(String) as string, index: 6, signingKey: join(cwd, 'audit.key'), retired: null });
    const two = json<{ from: string }>((await indelible(['key', 'rotate', 'audit', '--json', '--destroy-old'], { cwd })).stdout);
    expect(two.from).toBe(one.to);
    expect(readdirSync(cwd).sort()).toEqual(['audit', 'audit.key', 'audit.key.pin']);
    expect((await indelible(['verify', 'audit', '--key', template.vkey], { cwd })).status).toBe(0);
  });

  test('interrupted before the record knew: the staged key is used', async () => {
    const staged = createSigningKey(template.origin);
    await writeSigningKey(join(cwd, 'audit.key.new'), staged);
    expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1) })).status).toBe(0);
    const result = json((await indelible(['key', 'rotate', 'audit', '--json'], { cwd })).stdout);
    expect(result).toMatchObject({ from: template.vkey, to: staged.vkey });
    expect(existsSync(join(cwd, 'audit.key.new'))).toBe(false);
  });

  test.each(['before', 'after'])('interrupted behind the record, %s the old key got its second name: append says so, the next run finishes', async (when) => {
    const staged = createSigningKey(template.origin);
    await writeSigningKey(join(cwd, 'audit.key.new'), staged);
    const log = await openLog({ store: fileStore(join(cwd, 'audit')), signer: readSigningKey(join(cwd, 'audit.key')), pin: join(cwd, 'audit.key.pin') });
    await log.rotateKey(readSigningKey(join(cwd, 'audit.key.new')));
    await log.close();
    if (when === 'after') copyFileSync(join(cwd, 'audit.key'), join(cwd, `audit.key.retired-${oldId()}`));

    const refused = await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    expect(refused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/a change of key was interrupted; run `indelible key rotate` again/) as string });
    const { status, stdout } = await indelible(['key', 'rotate', 'audit'], { cwd });
    expect(status).toBe(0);
    expect(stdout).toContain('Finished the rotation that was interrupted');
    expect(readdirSync(cwd).sort()).toEqual(['audit', 'audit.key', 'audit.key.pin', `audit.key.retired-${oldId()}`]);
    expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1) })).status).toBe(0);
    expect(entriesOf(cwd).filter(({ event }) => event === 'key_changed')).toHaveLength(1);
    expect((await indelible(['verify', 'audit', '--key', template.vkey], { cwd })).status).toBe(0);
  });

  test('refuses a key in the environment, and a staged key of another log', async () => {
    const env = { INDELIBLE_SIGNING_KEY: readFileSync(join(cwd, 'audit.key'), 'utf8') };
    expect(await indelible(['key', 'rotate', 'audit'], { cwd, env })).toMatchObject({ status: 2, stderr: expect.stringContaining('put it into a file') as string });
    await indelible(['init', 'other'], { cwd });
    renameSync(join(cwd, 'other.key'), join(cwd, 'audit.key.new'));
    expect(await indelible(['key', 'rotate', 'audit'], { cwd })).toMatchObject({ status: 2, stderr: expect.stringContaining('for another log') as string });
    expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1) })).status).toBe(0);
  });
});
