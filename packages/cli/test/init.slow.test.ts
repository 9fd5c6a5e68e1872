import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { indelible, json, lines, logins, newLog, newLogTemplate, run, scratch, type LogTemplate } from './support/indelible.ts';

const REPOSITORY_MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));

let template: LogTemplate;
beforeAll(async () => {
  template = await newLogTemplate();
});
afterAll(() => template.remove());

describe('init', () => {
  test('makes a log, and its key outside of it with mode 0600', async () => {
    const cwd = scratch();
    const { status, stdout, stderr } = await indelible(['init', 'audit'], { cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(statSync(join(cwd, 'audit.key')).mode & 0o777).toBe(0o600);
    const { origin, key } = json<{ origin: string; key: string }>(readFileSync(join(cwd, 'audit/log.json'), 'utf8'));
    expect(origin).toMatch(/^indelible\.local\/audit-[0-9a-f]{8}$/);
    for (const part of [origin, key, 'audit.key', 'Back it up and keep it private', '@indelible/log']) expect(stdout).toContain(part);
    expect(stdout).not.toContain('PRIVATE+KEY');
    expect(existsSync(join(cwd, '.gitignore'))).toBe(false);
  });

  test('the five lines run as they are printed', async () => {
    const cwd = scratch();
    const { stdout } = await indelible(['init', 'audit'], { cwd });
    const code = lines(stdout).filter((line) => /^ {2}(import|const|await) /.test(line));
    expect(code).toHaveLength(5);
    expect(code.join('\n')).toMatch(/openLog[^]*fileStore[^]*readSigningKey[^]*pinPath[^]*log\.append/);
    symlinkSync(REPOSITORY_MODULES, join(cwd, 'node_modules'));
    writeFileSync(join(cwd, 'app.mjs'), code.join('\n'));
    expect(await run(process.execPath, ['app.mjs'], { cwd })).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await indelible(['tail', 'audit', '--events'], { cwd })).stdout).toContain('"event":"login","userId":"alice"');
    expect(existsSync(join(cwd, 'audit.key.pin'))).toBe(true);
  });

  test('--json has everything, and the lines as code', async () => {
    const cwd = scratch();
    const result = json<Record<string, unknown>>((await indelible(['init', "it's a log", '--json', '--origin', 'bank.example/audit'], { cwd })).stdout);
    expect(Object.keys(result)).toEqual(['directory', 'origin', 'vkey', 'signingKey', 'pin', 'appendOnly', 'gitignore', 'code']);
    expect(result).toMatchObject({ origin: 'bank.example/audit', signingKey: join(cwd, "it's a log.key"), gitignore: null, appendOnly: false });
    symlinkSync(REPOSITORY_MODULES, join(cwd, 'node_modules'));
    writeFileSync(join(cwd, 'app.mjs'), result['code'] as string);
    expect(await run(process.execPath, ['app.mjs'], { cwd })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('two logs never get one origin', async () => {
    const cwd = scratch();
    const [one, two] = await Promise.all(['a/audit', 'b/audit'].map(async (directory) => json<{ origin: string }>((await indelible(['init', directory, '--json'], { cwd })).stdout).origin));
    expect(one).not.toBe(two);
  });

  test('uses a new key that is named, and checks its name', async () => {
    const cwd = scratch();
    const first = await newLog(cwd, '--origin', 'bank.example/a', '--signing-key', 'keys/a.key');
    writeFileSync(join(cwd, 'copy.key'), readFileSync(join(cwd, 'keys/a.key')), { mode: 0o600 });
    const wrong = await indelible(['init', 'other', '--signing-key', 'copy.key', '--origin', 'bank.example/b'], { cwd });
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('is for the log "bank.example/a"') as string });
    const right = await indelible(['init', 'other', '--signing-key', 'copy.key', '--json'], { cwd });
    expect(json(right.stdout)).toMatchObject({ vkey: first.vkey, origin: 'bank.example/a' });
  });

  test('refuses a key that has signed a log already', async () => {
    const cwd = scratch();
    await newLog(cwd);
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    for (const args of [['--signing-key', 'audit.key'], []]) {
      const { status, stderr } = await indelible(['init', args.length === 0 ? './audit/../audit' : 'other', ...args], { cwd });
      expect(status).toBe(2);
      expect(stderr).toMatch(/already/);
    }
    // The log was deleted, its key and pin were not: the same key must not sign another history.
    await run('rm', ['-r', 'audit'], { cwd });
    expect((await indelible(['init', 'audit'], { cwd })).stderr).toMatch(/there is a signing key at .*audit\.key already/);
  });

  test.each([
    ['a log that is there', ['init', 'audit'], /there is a log in .*audit already/],
    ['a key inside the log', ['init', 'new', '--signing-key', 'new/key'], /must not lie in the log's directory/],
    ['a key inside the log, through a link', ['init', 'new', '--signing-key', 'link/key'], /must not lie in the log's directory/],
    ['a place inside a log', ['init', 'audit/sub/new'], /lies in the directory of another log, .*audit \(log\.json\)/],
    ['a key inside another log', ['init', 'new', '--signing-key', 'audit/sub/new.key'], /must not lie in the directory of a log, .*audit \(log\.json\)/],
    ['a seal without --after', ['init', 'new', '--since', 'x'], /--since is about the log named by --after/],
    ['the directory of a project', ['init', '.'], /directory of a project/],
    ['a bad origin', ['init', 'new', '--origin', 'a b'], /--origin cannot be a name/],
    ['an origin with a plus', ['init', 'new', '--origin', 'a+b'], /--origin cannot be a name/],
    ['a key that others can read', ['init', 'new', '--signing-key', 'open.key'], /may be read by others/],
    ['a key that is none', ['init', 'new', '--signing-key', 'bad.key'], /cannot be used/],
  ])('refuses %s', async (_what, args, message) => {
    const cwd = template.copy();
    writeFileSync(join(cwd, 'package.json'), '{}');
    writeFileSync(join(cwd, 'bad.key'), 'PRIVATE+KEY+x', { mode: 0o600 });
    writeFileSync(join(cwd, 'open.key'), readFileSync(join(cwd, 'audit.key')), { mode: 0o600 });
    chmodSync(join(cwd, 'open.key'), 0o644);
    mkdirSync(join(cwd, 'new'));
    symlinkSync(join(cwd, 'new'), join(cwd, 'link'));
    const { status, stdout, stderr } = await indelible(args, { cwd });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(existsSync(join(cwd, 'new/log.json'))).toBe(false);
    expect(existsSync(join(cwd, 'new.key'))).toBe(false);
  });

  test('takes a key from the environment if its log is named', async () => {
    const cwd = scratch();
    await newLog(cwd, '--origin', 'bank.example/a');
    const env = { INDELIBLE_SIGNING_KEY: readFileSync(join(cwd, 'audit.key'), 'utf8') };
    expect((await indelible(['init', 'other'], { cwd, env })).stderr).toContain('--origin bank.example/a');
    const { stdout } = await indelible(['init', 'other', '--origin', 'bank.example/a'], { cwd, env });
    expect(stdout).toContain('in INDELIBLE_SIGNING_KEY');
    expect(existsSync(join(cwd, 'other.key'))).toBe(false);
    expect((await indelible(['append', 'other'], { cwd, env, stdin: logins(1) })).status).toBe(0);
  });
});

describe('init in a git work tree', () => {
  test('adds log, key and pin to the .gitignore at its root, once', async () => {
    const cwd = scratch();
    mkdirSync(join(cwd, '.git'));
    mkdirSync(join(cwd, 'app'));
    writeFileSync(join(cwd, '.gitignore'), 'node_modules');
    const { stdout } = await indelible(['init', 'app/audit', '--signing-key', 'keys/[a].key'], { cwd });
    expect(readFileSync(join(cwd, '.gitignore'), 'utf8')).toBe('node_modules\n/app/audit/\n/keys/\\[a\\].key\n/keys/\\[a\\].key.*\n');
    expect(stdout).toContain('.gitignore');
    await run('rm', ['-r', 'app/audit', 'keys'], { cwd });
    await indelible(['init', 'app/audit', '--signing-key', 'keys/[a].key'], { cwd });
    expect(lines(readFileSync(join(cwd, '.gitignore'), 'utf8'))).toHaveLength(4);
  });

  test('makes a .gitignore beside the log where there is none', async () => {
    const cwd = scratch();
    mkdirSync(join(cwd, 'linked'));
    writeFileSync(join(cwd, 'linked/.git'), 'gitdir: elsewhere\n'); // a linked work tree
    await indelible(['init', 'linked/app/audit'], { cwd });
    expect(readFileSync(join(cwd, 'linked/app/.gitignore'), 'utf8')).toBe('/audit/\n/audit.key\n/audit.key.*\n');
    expect(existsSync(join(cwd, 'linked/.gitignore'))).toBe(false);
  });

  test('git agrees that everything private is ignored', async (context) => {
    const cwd = scratch();
    if ((await run('git', ['init', '-q'], { cwd }).catch(() => undefined))?.status !== 0) return context.skip('git is not installed');
    await newLog(cwd);
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    await indelible(['key', 'rotate', 'audit'], { cwd });
    expect((await run('git', ['status', '--porcelain', '--untracked-files=all'], { cwd })).stdout).toBe('?? .gitignore\n');
  });
});

describe('init --after', () => {
  test('cites the old log: origin, last seal that holds, findings', async () => {
    const cwd = scratch();
    const old = await newLog(cwd);
    await indelible(['append', 'audit'], { cwd, stdin: logins(3) });
    const seal = (await indelible(['seal', 'audit'], { cwd })).stdout;
    const { status, stdout } = await indelible(['init', 'next', '--after', 'audit', '--reason', 'the disk was lost', '--key', old.vkey], { cwd });
    expect(status).toBe(0);
    expect(stdout).toContain(old.origin);
    const { origin, after } = json<{ origin: string; after: Record<string, unknown> }>(readFileSync(join(cwd, 'next/log.json'), 'utf8'));
    expect(origin).not.toBe(old.origin);
    expect(after).toEqual({ origin: old.origin, seal, reason: 'the disk was lost', findings: [] });
    await indelible(['append', 'next'], { cwd, stdin: logins(1) });
    expect((await indelible(['verify', 'next'], { cwd })).status).toBe(2);
  });

  test('a damaged old log is cited with what is wrong with it', async () => {
    const cwd = scratch();
    await newLog(cwd);
    await indelible(['append', 'audit'], { cwd, stdin: logins(3) });
    const segment = join(cwd, 'audit/000000.ndjson');
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('user-1', 'user-9'));
    const result = await indelible(['init', 'next', '--after', 'audit', '--reason', 'tampered with', '--json'], { cwd });
    const { after } = json<{ after: { findings: string[] } }>(result.stdout);
    expect(after.findings[0]).toMatch(/^error [a-z_]+ from entry \d+: /);
  });

  test('an old log that was rolled back is cited as such: by its pin, or by a seal kept elsewhere', async () => {
    const cwd = template.copy();
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    cpSync(join(cwd, 'audit'), join(cwd, 'backup'), { recursive: true });
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    await indelible(['seal', 'audit', '--out', 'kept.seal'], { cwd });
    rmSync(join(cwd, 'audit'), { recursive: true });
    cpSync(join(cwd, 'backup'), join(cwd, 'audit'), { recursive: true });
    const findingsOf = async (name: string, old: string, ...args: string[]): Promise<string[]> => {
      const { stdout, stderr } = await indelible(['init', name, '--json', '--after', old, '--reason', 'restored', '--key', template.vkey, ...args], { cwd });
      expect(stderr).toBe('');
      return json<{ after: { findings: string[] } }>(stdout).after.findings;
    };
    const rolledBack = expect.stringMatching(/^error rolled_back from entry 3: .* says 6$/) as string;
    expect(await findingsOf('a', 'audit')).toContainEqual(rolledBack);
    expect(await findingsOf('b', 'backup', '--since', 'kept.seal')).toContainEqual(rolledBack);
    expect(await findingsOf('c', 'backup', '--pin', 'audit.key.pin')).toContainEqual(rolledBack);
    expect(await findingsOf('d', 'backup')).toEqual([]);
    writeFileSync(join(cwd, 'backup.key.pin'), 'torn');
    expect(await findingsOf('e', 'backup')).toEqual([expect.stringContaining('damaged or cannot be read')]);
  });
});
