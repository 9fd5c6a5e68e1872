import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { COMMON_OPTIONS } from '../dist/command.js';
import { loadCommands } from '../dist/commands/index.js';
import { formatCommandHelp } from '../dist/help.js';

const COMMANDS = await loadCommands();
const REFERENCE = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8');
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

const sections = new Map(
  REFERENCE.split(/^## /m)
    .filter((section) => section.startsWith('indelible '))
    .map((section) => [/^indelible ([a-z ]+)(?= [A-Z])/.exec(section)?.[1] ?? '', section]),
);

describe('docs/reference/cli.md and --help say the same', () => {
  test('commands', () => {
    expect(new Set(sections.keys())).toEqual(new Set(COMMANDS.map(({ name }) => name)));
    for (const { name } of COMMANDS) expect(README).toContain(`\`${name}`);
  });

  test.each(COMMANDS.map((command) => [command.name, command] as const))('%s: options, operands, exit status', (name, command) => {
    const section = sections.get(name) ?? '';
    const documented = [...section.matchAll(/^\| `--([a-z-]+)/gm)].map(([, option]) => option);
    expect(new Set(documented)).toEqual(new Set([...Object.keys(command.options), 'json']));
    for (const [option, { short, value }] of Object.entries(command.options)) {
      const row = section.split('\n').find((line) => line.startsWith(`| \`--${option}`)) ?? '';
      if (value !== undefined) expect(row).toContain(`--${option} ${value.replace('|', '\\|')}`);
      if (short !== undefined) expect(row).toContain(`\`-${short}\``);
    }
    const known = new Set([...Object.keys(command.options), ...Object.keys(COMMON_OPTIONS), ...COMMANDS.flatMap(({ options }) => Object.keys(options)), 'version']);
    for (const [, option] of section.matchAll(/--([a-z][a-z-]*)/g)) expect(known).toContain(option);

    const exits = section.slice(section.indexOf('Exit status:'));
    for (const status of Object.keys(command.exits)) expect(exits).toMatch(new RegExp(`[:;]\\s${status}\\s`));
    expect(section).toMatch(/```sh\n[^`]*indelible /);
    const operand = command.operands[0]?.replace(/[[\]]/g, '') ?? '';
    expect(section.split('\n')[0]).toBe(`indelible ${name} ${operand}`.trim());
    expect(formatCommandHelp(command)).toContain(command.description.slice(0, 30));
  });

  test('options and environment that hold everywhere', () => {
    const common = REFERENCE.slice(0, REFERENCE.indexOf('## indelible init'));
    for (const [option, { short }] of Object.entries(COMMON_OPTIONS)) {
      expect(common).toContain(`| \`--${option}\``);
      if (short !== undefined) expect(common).toContain(`\`-${short}\``);
    }
    const source = fileURLToPath(new URL('../src', import.meta.url));
    const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(`${source}/${file}`, 'utf8'))
      .join('\n');
    const used = new Set([...code.matchAll(/process\.env\['(INDELIBLE_[A-Z_]+)'\]/g)].map(([, name]) => name));
    const documented = new Set([...common.matchAll(/^\| `(INDELIBLE_[A-Z_]+)`/gm)].map(([, name]) => name));
    expect(documented).toEqual(used);
  });
});
