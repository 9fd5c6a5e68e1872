import type { Entity, Frame } from '../code/entity.ts';
import type { Fn, Module, Value } from '../code/ir.ts';
import type { Resolver } from '../code/resolver.ts';
import { textsOf } from '../code/strings.ts';
import { isConcurrentReason, isForeignPlace, isTimeoutReason, isUserPlace, readEventName, readMessage, wordsOf, type EventName, type Reading } from './event-name.ts';

/** A field of what is written, with the frame in which its value is to be understood. */
export interface RecordField {
  readonly key: string;
  readonly value: Value;
  readonly frame: Frame;
  readonly depth: number;
}

/** What is written: fields, and parameters that could hold more of them. */
export interface WrittenRecord {
  readonly fields: readonly RecordField[];
  readonly open: readonly (Entity & { e: 'param' })[];
}

/** An event that a record tells of. */
export interface ReadEvent {
  readonly event: EventName | 'other';
  readonly text: string;
  readonly at: number;
  readonly module: Module;
  /** A field that names the event, not a sentence about it. */
  readonly named: boolean;
}

/** What a record tells, and the parameters that decide it. */
export interface RecordReading {
  readonly events: readonly ReadEvent[];
  readonly undecided: readonly (Entity & { e: 'param' })[];
}

const NAMING = /^(?:event|event_?type|event_?name|event_?code|event_?id|event_?kind|event_?category|action|action_?type|action_?name|action_?code|activity|activity_?type|activity_?name|type|name|operation|op|kind|code|audit_?action|audit_?event|log_?type|log_?action|security_?event|auth_?event|verb|subtype|sub_?type|category|method|title|eventtype|session_?event|acao|accion|evento|tipo|aktion|status)$/i;
const SENTENCE = /^(?:message|msg|description|desc|details?|text|summary|log|note|notes|title|content|remarks?|comment|descricao|descripcion|reason_text|action_?description)$/i;
const REASON = /^(?:reason|cause|logout_?reason|logout_?type|trigger|end_?reason|revoke_?reason|revoked_?reason|termination_?reason|type|kind|method|initiator|source|ended_?by)$/i;
const OUTCOME = /^(?:outcome|status|result|success|succeeded|ok|is_?success|successful)$/i;
const ABOUT_USERS = /^_?(?:user|actor|account|customer|employee|member|subject|session|sid|uid|principal|admin|staff|usuario)(?:_?(?:id|name|uuid|key|email))?$/i;
const GENERIC = /^(?:auth|authentication|security|session|user|users|access|info|audit|event|log|system|activity|account|other|general|read|update|create|custom|admin)$/;

/** Takes the fields out of what is written, three levels deep. */
export function fieldsOf(resolver: Resolver, value: Value, frame: Frame, key = '', depth = 0): WrittenRecord {
  const fields: RecordField[] = [];
  const open: (Entity & { e: 'param' })[] = [];
  if (depth > 4) return { fields, open };
  const add = (inner: WrittenRecord): void => {
    fields.push(...inner.fields);
    open.push(...inner.open);
  };
  if (value.k === 'call' && value.call.callee.k === 'mem' && (value.call.callee.prop === 'stringify' || value.call.callee.prop === 'parse' || value.call.callee.prop === 'from' || value.call.callee.prop === 'encode') && value.call.args[0] !== undefined) {
    return fieldsOf(resolver, value.call.args[0], frame, key, depth);
  }
  // list.map((item) => ({ … }))
  if (value.k === 'call' && value.call.callee.k === 'mem' && /^(?:map|flatMap)$/.test(value.call.callee.prop) && value.call.args[0]?.k === 'fn') {
    const { fn } = value.call.args[0];
    for (const returned of fn.returns) add(fieldsOf(resolver, returned, { fn, up: frame }, key, depth + 1));
    return { fields, open };
  }
  if (value.k === 'tpl') {
    // JSON.stringify(x) + '\n'
    const inner = value.parts.find((part) => part.k === 'call' && part.call.callee.k === 'mem' && part.call.callee.prop === 'stringify');
    if (inner !== undefined) add(fieldsOf(resolver, inner, frame, key, depth));
    else fields.push({ key, value, frame, depth });
    return { fields, open };
  }
  if (value.k === 'alt') {
    for (const option of value.options) add(fieldsOf(resolver, option, frame, key, depth + 1));
    return { fields, open };
  }
  let found = false;
  for (const entity of resolver.resolve(value, frame)) {
    found = true;
    if (entity.e === 'param') open.push(entity);
    else if (entity.e === 'val' && entity.v.k === 'obj') {
      for (const prop of entity.v.props) {
        if (prop.key === undefined) add(fieldsOf(resolver, prop.value, entity.f, key, depth + 1));
        else {
          fields.push({ key: prop.key, value: prop.value, frame: entity.f, depth });
          if (prop.value.k === 'obj' || (depth < 2 && /^(?:data|values?|payload|metadata|meta|details?|event|log|entry|record|context|extra|item|body|fields|audit)$/i.test(prop.key))) {
            const inner = fieldsOf(resolver, prop.value, entity.f, prop.key, depth + 1);
            fields.push(...inner.fields.filter((field) => field.key !== prop.key));
          }
        }
      }
    } else if (entity.e === 'val' && entity.v.k === 'tpl' && depth < 3) add(fieldsOf(resolver, entity.v, entity.f, key, depth + 1));
    else if (entity.e === 'val' && entity.v.k === 'arr') for (const item of entity.v.items.slice(0, 20)) add(fieldsOf(resolver, item, entity.f, key, depth + 1));
    else if (entity.e === 'val') fields.push({ key, value: entity.v, frame: entity.f, depth });
    else if (entity.e === 'inst' && entity.made !== undefined) {
      const made: Frame | undefined = entity.cls.methods.get('constructor') === undefined ? undefined : {
        fn: entity.cls.methods.get('constructor')!, args: entity.made.call.args.map((arg) => ({ value: arg, frame: entity.made!.f })),
      };
      for (const [name, field] of entity.cls.fields) for (const { value: inner, fn } of field.values) fields.push({ key: name, value: inner, frame: made !== undefined && fn === made.fn ? made : { fn }, depth });
      fields.push({ key: 'event', value: { k: 'str', v: entity.cls.name.replace(/Event$/, ''), at: entity.made.call.at }, frame: entity.made.f, depth });
    } else found = false;
  }
  if (!found && value.k !== 'none') fields.push({ key, value, frame, depth });
  return { fields, open };
}

/** Reads what a record tells about a session. */
export function readRecord(resolver: Resolver, record: WrittenRecord, surroundings: Surroundings): RecordReading {
  const undecided: (Entity & { e: 'param' })[] = [...record.open];
  if (isFailure(resolver, record)) return { events: [], undecided: [] };
  const events: ReadEvent[] = [];
  const aboutUsers = record.fields.some((field) => ABOUT_USERS.test(field.key));
  let silent = true;
  const naming = record.fields.filter((field) => NAMING.test(field.key) && !(OUTCOME.test(field.key)));
  for (const field of naming) {
    const { texts, params } = textsOf(resolver, field.value, field.frame);
    undecided.push(...params);
    for (const text of texts) {
      const reading = /\s/.test(text.text.trim()) ? (readMessage(text.text) ?? readEventName(text.text)) : readEventName(text.text);
      const words = wordsOf(text.text);
      if (reading !== undefined && stands(reading, surroundings, words, aboutUsers)) events.push({ event: reading.event, text: text.text, at: text.at, module: text.module, named: true });
      else if (!GENERIC.test(words) && !words.startsWith('http') && field.key !== 'type' && field.key !== 'category' && field.key !== 'method' && field.key !== 'name' && field.key !== 'code') silent = false;
    }
  }
  const named = new Set(events.map(({ text }) => text));
  const reasons = reasonsOf(resolver, record, named);
  if (events.length === 0 && silent) {
    for (const field of record.fields) {
      if (!(SENTENCE.test(field.key) || field.key === '')) continue;
      const { texts, params } = textsOf(resolver, field.value, field.frame);
      undecided.push(...params);
      for (const text of texts) {
        const reading = readMessage(text.text);
        if (reading === undefined || !stands(reading, surroundings, wordsOf(text.text), aboutUsers)) continue;
        if (reading.event === 'extension' && /token/i.test(text.text) && surroundings.provider()) continue;
        events.push({ event: reading.event, text: text.text, at: text.at, module: text.module, named: !/\s/.test(text.text.trim()) });
      }
    }
  }
  if (events.some(({ event }) => event === 'login') && tellsOfFailure(resolver, record, named)) return { events: events.filter(({ event }) => event !== 'login'), undecided };
  return { events: applyReasons(events, reasons.texts), undecided: [...undecided, ...(events.some(({ event }) => event === 'logout') ? reasons.params : [])] };
}

/** Where a record is written: words of the file and the functions around it. */
export interface Surroundings {
  readonly words: string;
  /** The function speaks of somebody else's tokens: an OAuth provider's. */
  readonly provider: () => boolean;
}

/** The surroundings of a function. */
export function surroundingsOf(fn: Fn): Surroundings {
  let words = wordsOf(fn.module.path);
  for (let at: Fn | undefined = fn; at !== undefined; at = at.parent) words += ` ${wordsOf(at.name)}`;
  if (fn.cls !== undefined) words += ` ${wordsOf(fn.cls.name)}`;
  return { words, provider: () => /oauth|provider|grant_type|client_?secret/i.test(fn.module.text.slice(fn.at, fn.end)) || /\boauth\b|\bprovider\b|\bintegrations?\b/.test(words) };
}

function stands(reading: Reading, surroundings: Surroundings, words: string, aboutUsers: boolean): boolean {
  if (!reading.weak) return !(/\bsessions?\b/.test(words) && isForeignPlace(surroundings.words) && !isUserPlace(surroundings.words.replace(/\bsessions?\b/g, '')));
  if (aboutUsers && !isForeignPlace(surroundings.words)) return true;
  return isUserPlace(surroundings.words.replace(/\bsessions?\b/g, (word) => (isForeignPlace(surroundings.words) ? '' : word))) && !(isForeignPlace(surroundings.words) && !/\bauth\b|\blogin\b|\buser\b/.test(surroundings.words));
}

function isFailure(resolver: Resolver, record: WrittenRecord): boolean {
  return record.fields.some((field) => {
    if (!OUTCOME.test(field.key)) return false;
    if (field.value.k === 'lit') return field.value.v === false;
    const { texts, params } = textsOf(resolver, field.value, field.frame);
    return params.length === 0 && texts.length > 0 && texts.every(({ text }) => /^(?:fail|failed|failure|error|denied|rejected|blocked|unsuccessful|falha|fallido|ko)/i.test(text));
  });
}

/** A sentence beside the name that says that it did not happen: `{ action: 'auth.login', msg: 'Rate limit exceeded' }`. */
function tellsOfFailure(resolver: Resolver, record: WrittenRecord, named: ReadonlySet<string>): boolean {
  return record.fields.some((field) => {
    if (!/^(?:message|msg|description|desc)$/i.test(field.key)) return false;
    const { texts } = textsOf(resolver, field.value, field.frame);
    return texts.length > 0 && texts.every(({ text }) => !named.has(text) && /\b(?:fail\w*|error|denied|invalid|rate.?limit\w*|exceeded|blocked|unable|rejected|incorrect|wrong|attempt)\b/i.test(text));
  });
}

function reasonsOf(resolver: Resolver, record: WrittenRecord, named: ReadonlySet<string>): { texts: string[]; params: (Entity & { e: 'param' })[] } {
  const texts: string[] = [];
  const params: (Entity & { e: 'param' })[] = [];
  for (const field of record.fields) {
    if (!REASON.test(field.key)) continue;
    const found = textsOf(resolver, field.value, field.frame);
    texts.push(...found.texts.map(({ text }) => text).filter((text) => !named.has(text)));
    if (/reason|cause|trigger/i.test(field.key)) params.push(...found.params);
  }
  return { texts, params };
}

function applyReasons(events: readonly ReadEvent[], reasons: readonly string[]): readonly ReadEvent[] {
  if (reasons.length === 0) return events;
  const timeout = reasons.some(isTimeoutReason);
  const concurrent = reasons.some(isConcurrentReason);
  const other = reasons.some((reason) => !isTimeoutReason(reason) && !isConcurrentReason(reason));
  if (!timeout && !concurrent) return events;
  return events.flatMap((event) => {
    if (event.event !== 'logout') return [event];
    return [...(timeout ? [{ ...event, event: 'timeout' as const }] : []), ...(concurrent ? [{ ...event, event: 'concurrent_warning' as const }] : []), ...(other ? [event] : [])];
  });
}
