import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLog, createSigningKey, fileStore, openLog, openReader, parseSigningKey } from '@indelible/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'guide-'));
});
afterEach(() => rm(place, { recursive: true, force: true }));

/** A code block of a guide, and the line above it that says where it comes from. */
interface Block {
  readonly language: string;
  readonly text: string;
  readonly from: string | undefined;
}

async function readBlocks(guide: string): Promise<Block[]> {
  const page = await readFile(join(root, 'docs', 'guide', guide), 'utf8');
  const blocks = page.matchAll(/(?:<!-- from: (\S+) -->\n)?```(\w+)\n([^]*?)```/g);
  return [...blocks].map(([, from, language = '', text = '']) => ({ language, text, from }));
}

function runShell(script: string, path: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: path + delimiter + (process.env['PATH'] ?? '') };
    const child = execFile('sh', ['-e', '-c', script], { cwd: place, env, timeout: 60_000 }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr });
    });
  });
}

describe('docs/guide/quickstart.md', () => {
  it('works as it is written, command by command', async () => {
    // Instead of an installation: the built packages, and an `npx` that finds the command among them.
    await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
    await mkdir(join(place, 'bin'));
    const command = join(root, 'packages', 'cli', 'dist', 'main.js');
    await writeFile(join(place, 'bin', 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${command}' "$@"\n`);
    await chmod(join(place, 'bin', 'npx'), 0o755);

    const outputs = [];
    for (const { language, text, from } of await readBlocks('quickstart.md')) {
      if (from === 'examples/snippets/quickstart.mjs') await writeFile(join(place, 'app.mjs'), text);
      if (language !== 'sh' || text.startsWith('npm install')) continue;
      const { code, output } = await runShell(text, join(place, 'bin'));
      expect({ text, code, output }).toMatchObject({ text, code: 0 });
      outputs.push(output);
    }
    const all = outputs.join('\n');
    expect(all).toMatch(/entry 1, [0-9a-f-]{36}/);
    expect(all).toMatch(/ login +alice .* 203\.0\.113\.7 +1\n/);
    expect(all.match(/^SOUND /gm)).toHaveLength(3);
    expect(all).toContain('kept at elsewhere/audit.seals');
  });
});

describe('docs/guide/shippers.md', () => {
  it('is right that a filter by first bytes leaves exactly the entries', async () => {
    const directory = join(place, 'audit');
    const signer = parseSigningKey(createSigningKey('guide.example').secret);
    await createLog(directory, { signer });
    for (const run of [1, 2]) {
      const log = await openLog({ store: fileStore(directory), signer, app: 'guide' });
      await log.appendAll(['"indelible":', '{"indelible":', '\n{"indelible":"seal"'].map((reason) => ({ event: 'login', userId: `u${run}`, reason })));
      await log.close();
    }
    const entries = [];
    for await (const { bytes } of (await openReader(directory)).entries()) entries.push(new TextDecoder().decode(bytes));
    const lines = (await readFile(join(directory, '000000.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith('{"indelible":'))).toEqual(entries);
    expect(entries).toHaveLength(10);
    expect(entries.filter((line) => 'indelible' in (JSON.parse(line) as object))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('{"indelible":')).every((line) => 'indelible' in (JSON.parse(line) as object))).toBe(true);
  });

  it('filters by those bytes in each configuration that reads the files', async () => {
    const blocks = (await readBlocks('shippers.md')).filter(({ language, text }) => language === 'yaml' && text.includes('.ndjson'));
    expect(blocks).toHaveLength(3);
    for (const { text } of blocks) expect(text).toMatch(/starts_with\(.*"\{\\"indelible\\":"\)|exclude: 'log \^\\\{"indelible":'|has_fields: \[session\.indelible\]/);
  });
});
