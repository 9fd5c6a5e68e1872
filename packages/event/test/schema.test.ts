import { encodeEvent, EVENT_NAMES, type EventInput } from '@indelible/event';
import schema from '@indelible/event/schema/entry.schema.json' with { type: 'json' };
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);
const nowMs = Date.UTC(2026, 10, 20);
const id = '019aa1b2-c3d4-7e5f-8a6b-0123456789ab';
const full: EventInput = {
  id, timestamp: nowMs + 2000, event: 'login', userId: 'Zoë "Z"\n', sessionId: 's', sidHash: '3rN6Ibf6SimceKlWCvkaDYQAKB7iTi3NuKcWPZKlq30', prev: id, outcome: 'success', reason: '', initiator: 'user',
  ip: '::1', userAgent: '', resource: '/x?token=1', idleDeadline: nowMs, absoluteDeadline: nowMs, policy: 'p', app: 'a', instance: 'i', tenant: 't',
  details: { a: [1, 1.5, 'x', true, null, { b: {} }], password: 'x' },
};
const stored = (event: EventInput): Record<string, unknown> => JSON.parse(encodeEvent(event, { nowMs, lifecycle: true })) as Record<string, unknown>;

describe('the JSON Schema of an entry', () => {
  it('accepts what is encoded', () => {
    for (const event of EVENT_NAMES) {
      for (const entry of [stored({ event, userId: 'u' }), stored({ ...full, event }), stored({ event, userId: 'u', timestamp: 0 })]) {
        expect(validate(entry), JSON.stringify(validate.errors)).toBe(true);
      }
    }
  });

  it('describes every field, in the order of the line', () => {
    expect(Object.keys(schema.properties)).toEqual(Object.keys(stored(full)));
    for (const [field, property] of Object.entries(schema.properties)) expect(property.description, field).toMatch(/\.$/);
    expect(schema.properties.event.enum).toEqual(EVENT_NAMES);
  });

  it.each([
    ['an unknown field', { password: 'x' }], ['a control key', { indelible: 1 }], ['an envelope', { envelope: {} }], ['no id', { id: undefined }],
    ['an id in upper case', { id: id.toUpperCase() }], ['a time with an offset', { timestamp: '2026-11-20T14:03:22.123+01:00' }], ['24:00', { timestamp: '2026-11-20T24:00:00.000Z' }],
    ['an unknown event', { event: 'purchase' }], ['extension', { event: 'extension' }], ['no userId', { userId: undefined }], ['an empty userId', { userId: '' }],
    ['NUL', { userId: 'a\0' }], ['a long ip', { ip: 'x'.repeat(129) }], ['a bad outcome', { outcome: 'maybe' }], ['null', { tenant: null }],
    ['a small clockAheadMs', { clockAheadMs: 1000 }], ['details in an array', { details: [] }], ['a forbidden key', { details: { a: [{ constructor: 1 }] } }],
    ['NUL in details', { details: { a: 'x\0' } }], ['a bad sidHash', { sidHash: 'a b' }],
  ])('rejects %s', (_what, change) => {
    const entry = JSON.parse(JSON.stringify({ ...stored(full), ...change })) as unknown;
    expect(validate(entry)).toBe(false);
  });
});
