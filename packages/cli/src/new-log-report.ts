import type { After } from '@indelible/log';
import type { IgnoredPaths } from './git-ignore.ts';
import { visibleText } from './visible-text.ts';

/** What `indelible init` made. */
export interface NewLog {
  readonly directory: string;
  /** As a path from here, for people and for the code to paste. */
  readonly shownDirectory: string;
  readonly origin: string;
  readonly vkey: string;
  /** Absent where the key is in the environment. */
  readonly signingKey?: string;
  readonly shownSigningKey?: string;
  readonly pin?: string;
  readonly keyIsNew: boolean;
  readonly appendOnly: boolean;
  readonly ignored: IgnoredPaths | undefined;
  readonly after?: After;
}

/** The report for people, or with `json` for programs. */
export function formatNewLog(log: NewLog, json: boolean): string {
  const code = formatCode(log);
  if (json) {
    const { directory, origin, vkey, signingKey = null, pin = null, appendOnly, ignored, after } = log;
    const gitignore = ignored === undefined ? null : ignored;
    return `${JSON.stringify({ directory, origin, vkey, signingKey, pin, appendOnly, gitignore, ...(after === undefined ? {} : { after }), code })}\n`;
  }
  const { shownDirectory, shownSigningKey, origin, vkey, keyIsNew, ignored, after } = log;
  const keyLines =
    shownSigningKey === undefined
      ? ['  signing key   in INDELIBLE_SIGNING_KEY: back it up and keep it private']
      : [
          `  signing key   ${visibleText(shownSigningKey)}${keyIsNew ? ' (new, mode 0600)' : ''}`,
          '                Back it up and keep it private: whoever has it can rewrite the log and sign it again.',
          `                ${visibleText(`${shownSigningKey}.pin`)} will be beside it, the newest seal: a log older than its pin is refused.`,
        ];
  const gitignore = ignored === undefined || ignored.added.length === 0 ? [] : [`  .gitignore    ${ignored.added.map(visibleText).join(' ')}`];
  return [
    `Created the log ${visibleText(origin)} in ${visibleText(shownDirectory)}`,
    '',
    '  public key',
    `    ${visibleText(vkey)}`,
    '                Give it to whoever verifies, by another way than the log itself.',
    ...keyLines,
    ...(log.appendOnly ? ['  append-only   set on the directory and its files'] : []),
    ...gitignore,
    ...(after === undefined ? [] : [`  after         ${visibleText(after.origin === '' ? 'a log whose name could not be read' : after.origin)}, with ${after.findings.length} ${after.findings.length === 1 ? 'finding' : 'findings'}`]),
    '',
    'Paste this into your application (npm install @indelible/log):',
    '',
    ...code.trimEnd().split('\n').map((line) => `  ${line}`),
    '',
    'Then look:',
    `  indelible tail ${shell(shownDirectory)}`,
    `  indelible verify ${shell(shownDirectory)} --key ${shell(vkey)}`,
    '',
  ].join('\n');
}

/** The five lines. */
function formatCode({ shownDirectory, shownSigningKey }: NewLog): string {
  const store = `fileStore(${literal(shownDirectory)})`;
  if (shownSigningKey === undefined) {
    return [
      "import { fileStore, openLog, parseSigningKey } from '@indelible/log';",
      "const signer = parseSigningKey(process.env['INDELIBLE_SIGNING_KEY']);",
      `const log = await openLog({ store: ${store}, signer });`,
      "await log.append({ event: 'login', userId: 'alice', ip: '203.0.113.7' });",
      'await log.close();',
      '',
    ].join('\n');
  }
  return [
    "import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';",
    `const key = ${literal(shownSigningKey)};`,
    `const log = await openLog({ store: ${store}, signer: readSigningKey(key), pin: pinPath(key) });`,
    "await log.append({ event: 'login', userId: 'alice', ip: '203.0.113.7' });",
    'await log.close();',
    '',
  ].join('\n');
}

/** A JavaScript string. */
function literal(text: string): string {
  return `'${visibleText(JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'"))}'`;
}

/** A word of a shell command. */
function shell(text: string): string {
  return /^[\w./+=-]+$/.test(text) ? visibleText(text) : `'${visibleText(text.replaceAll("'", "'\\''"))}'`;
}
