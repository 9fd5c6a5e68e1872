import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { encodeEvent, EVENT_NAMES, EventError, LIFE_EVENTS, MAX_DETAILS_DEPTH, MAX_ENTRY_BYTES, parseEntry, SESSION_EVENTS, WIDER_EVENTS, type EventInput } from '@indelible/event';
import { beforeAll, describe, expect, it } from 'vitest';
import { FIELD } from '../packages/event/dist/field.js';

interface Schema {
  readonly properties: { readonly [field: string]: { readonly maxLength?: number; readonly minimum?: number; readonly maximum?: number; readonly pattern?: string; readonly enum?: readonly string[] } };
}

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
let page: string;
let schema: Schema;

beforeAll(async () => {
  page = await readFile(at('docs/reference/events.md'), 'utf8');
  schema = JSON.parse(await readFile(at('packages/event/schema/entry.schema.json'), 'utf8')) as Schema;
});

/** The rows of the table below a heading, each as its cells without marks. */
function rowsBelow(heading: string): string[][] {
  const section = page.slice(page.indexOf(`\n${heading}\n`) + heading.length + 2).split(/\n#+ /)[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim().replaceAll('`', '')));
}

/** What an application without `app` and `instance`, and without a user, is told about an event. */
function refusalOf(event: string): { code?: string; field?: string | undefined } {
  try {
    encodeEvent({ event } as EventInput);
    return {};
  } catch (error) {
    if (error instanceof EventError) return { code: error.code, field: error.field };
    throw error;
  }
}

const SECTIONS = { '### Session events': SESSION_EVENTS, '### Wider vocabulary': WIDER_EVENTS, '### Life of the log': LIFE_EVENTS };

describe('docs/reference/events.md', () => {
  it.each(Object.entries(SECTIONS))('%s has all names of the code, and no other', (heading, names) => {
    expect(rowsBelow(heading).map(([name]) => name)).toEqual([...names]);
  });

  it('says of each event who may write it and whether it needs a user', () => {
    const rows = Object.keys(SECTIONS).flatMap(rowsBelow);
    expect(rows).toHaveLength(EVENT_NAMES.length);
    for (const [event = '', meaning = '', writer, user, source] of rows) {
      expect([meaning, source]).not.toContain('');
      const needsUser = schemaUsers().includes(event);
      expect([event, user]).toEqual([event, needsUser ? 'yes' : 'no']);
      const refusal = refusalOf(event);
      if (writer === 'log') expect(refusal).toEqual({ code: 'ERR_EVENT_RESERVED', field: 'event' });
      else if (needsUser) expect(refusal).toEqual({ code: 'ERR_EVENT_FIELD_MISSING', field: 'userId' });
      else if (writer === 'instance') expect(refusal).toEqual({ code: 'ERR_EVENT_FIELD_MISSING', field: 'app' });
      else expect(refusal).toEqual({});
      const withUser = { event, userId: 'u' } as EventInput;
      if (writer === 'any') expect(() => encodeEvent(withUser)).not.toThrow();
      else expect(() => encodeEvent(withUser)).toThrow(EventError);
    }
  });

  it('has all fields of schema and code, in the order of an entry, and no other', () => {
    const fields = rowsBelow('## Fields').map(([name]) => name);
    expect(fields).toEqual(Object.keys(schema.properties));
    const byCaller = rowsBelow('## Fields').filter(([, , , setBy = '']) => setBy.startsWith('caller')).map(([name]) => name);
    expect(byCaller.toSorted()).toEqual(Object.keys(FIELD).toSorted());
  });

  it('has the limits of the schema', () => {
    for (const [field = '', meaning, limit = ''] of rowsBelow('## Fields')) {
      expect(meaning).not.toBe('');
      const rule = schema.properties[field];
      if (rule?.maxLength !== undefined) expect([field, limit]).toEqual([field, `text, 1 to ${rule.maxLength}`]);
      if (rule?.maximum !== undefined) expect([field, limit]).toEqual([field, `integer, ${rule.minimum} to ${rule.maximum}`]);
      if (rule?.enum !== undefined && field !== 'event') expect([field, limit.split(/, | or /)]).toEqual([field, [...rule.enum]]);
    }
    expect(rowsBelow('## Fields').find(([field]) => field === 'details')?.[2]).toContain(`at most ${MAX_DETAILS_DEPTH} levels`);
    expect(page).toContain(`at most ${MAX_ENTRY_BYTES.toLocaleString('en')} bytes`);
  });

  it('names what is reserved and what is an alias', () => {
    for (const field of ['envelope', 'indelible']) {
      expect(page).toContain(`\`${field}\``);
      expect(() => encodeEvent({ event: 'login', userId: 'u', [field]: 'x' } as EventInput)).toThrow(expect.objectContaining({ code: 'ERR_EVENT_RESERVED' }) as Error);
    }
    expect(page).toContain('`extension` is accepted and stored as `extend`');
  });

  it('shows an entry exactly as it would be stored', () => {
    const line = /```json\n(.*)\n```/.exec(page)?.[1] ?? '';
    const { recordedAt, ...event } = parseEntry(line);
    expect(encodeEvent(event as EventInput, { nowMs: Date.parse(recordedAt ?? '') })).toBe(line);
  });
});

/** The events of which the schema demands a user. */
function schemaUsers(): readonly string[] {
  const { allOf } = schema as unknown as { allOf: readonly { readonly if: { readonly properties: { readonly event: { readonly enum: readonly string[] } } } }[] };
  return allOf[0]?.if.properties.event.enum ?? [];
}
