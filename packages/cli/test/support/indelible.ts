import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The built binary. */
export const BINARY: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the binary to its end. The environment holds no setting of ours but those given. */
export function indelible(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return run(process.execPath, [BINARY, ...args], options);
}

/** Runs any program to its end. */
export function run(file: string, args: readonly string[], { cwd, stdin = '', env = {} }: RunOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: { ...cleanEnvironment(), ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    child.stdin.on('error', () => undefined); // it may end before it has read everything
    child.stdin.end(stdin);
  });
}

export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('INDELIBLE_')));
}

/** A directory for one test, removed when it has finished. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'indelible-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A new log in `DIR/audit`, with its public key. */
export async function newLog(cwd: string, ...args: string[]): Promise<{ vkey: string; origin: string }> {
  const { stdout, stderr } = await indelible(['init', 'audit', '--json', ...args], { cwd });
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as { vkey: string; origin: string };
}

/** A log of which each test gets a copy, `DIR/audit`: fewer processes to start. */
export interface LogTemplate {
  readonly vkey: string;
  readonly origin: string;
  readonly copy: () => string;
  /** Takes what is in a directory for the template. */
  readonly adopt: (directory: string) => void;
  readonly remove: () => void;
}

/** Makes a new log to copy. */
export async function newLogTemplate(): Promise<LogTemplate> {
  const template = mkdtempSync(join(tmpdir(), 'indelible-cli-'));
  const copies = [template];
  const { vkey, origin } = await newLog(template);
  return {
    vkey,
    origin,
    copy: () => {
      const directory = mkdtempSync(join(tmpdir(), 'indelible-cli-'));
      copies.push(directory);
      cpSync(template, directory, { recursive: true });
      return directory;
    },
    adopt: (directory) => cpSync(directory, template, { recursive: true, force: true }),
    remove: () => copies.forEach((directory) => rmSync(directory, { recursive: true, force: true })),
  };
}

/** The entries in the files of `DIR/audit`, sealed or not, read without the binary. */
export function entriesOf(cwd: string): Record<string, unknown>[] {
  const names = readdirSync(join(cwd, 'audit')).filter((name) => name.endsWith('.ndjson')).sort();
  const text = names.map((name) => readFileSync(join(cwd, 'audit', name), 'utf8')).join('');
  return lines(text).filter((line) => !line.startsWith('{"indelible":')).map((line) => json<Record<string, unknown>>(line));
}

/** Some logins as NDJSON. */
export function logins(count: number, first = 0): string {
  let text = '';
  for (let i = first; i < first + count; i++) text += `${JSON.stringify({ event: 'login', userId: `user-${i}`, sessionId: `s-${i}`, ip: '203.0.113.7' })}\n`;
  return text;
}

export function lines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

export function json<Value>(text: string): Value {
  return JSON.parse(text) as Value;
}
