import type { Liveness } from '../code/liveness.ts';
import { writtenPath } from '../code/ir.ts';
import { placeAt } from '../code/place.ts';
import type { SinkAssertion } from '../config.ts';
import type { Confidence, DetectReport, EventReport, Evidence, StorageClass, StorageReport } from '../report.ts';
import { classify, type Classified, type StorageFacts } from '../storage/classify.ts';
import type { DeclaredName } from './declared.ts';
import { EVENTS, type EventName } from './event-name.ts';
import type { Occurrence } from './trace.ts';

/** Everything that the counting of events yields. */
export interface Counted {
  readonly events: DetectReport['events'];
  readonly kept: readonly { readonly event: EventName; readonly phrase: string; readonly class: StorageClass; readonly confidence: Confidence }[];
  readonly storage: readonly StorageReport[];
  readonly others: DetectReport['otherSessionEvents'];
  readonly consoleOnly: readonly EventName[];
  /** Records of session events by name: whoever writes those keeps an audit trail, called so or not. */
  readonly trail: readonly Evidence[];
}

interface Judged {
  readonly occurrence: Occurrence;
  readonly live: boolean;
  readonly store: Classified;
}

const RANK: Readonly<Record<StorageClass, number>> = { mutable: 0, unknown: 1, 'append-only': 2 };
const MAX_EVIDENCE = 5;
/** What somebody runs by hand is not the application. */
const BY_HAND = /(?:^|\/)scripts?\//;

/** Counts what is logged, event by event, and where it is kept. */
export function countEvents(input: {
  readonly occurrences: readonly Occurrence[];
  readonly liveness: Liveness;
  readonly declared: readonly DeclaredName[];
  readonly facts: StorageFacts;
  readonly assertions: readonly SinkAssertion[];
}): Counted {
  const judged: Judged[] = input.occurrences.filter(({ module }) => !BY_HAND.test(module.path)).map((occurrence) => ({
    occurrence, live: input.liveness.isLive(occurrence.fn), store: assert(classify(input.facts, occurrence.sink), input.assertions),
  }));
  const events = {} as Record<EventName, EventReport>;
  const kept: { event: EventName; phrase: string; class: StorageClass; confidence: Confidence }[] = [];
  const storage = new Map<string, { store: Classified; events: Set<EventName> }>();
  const consoleOnly: EventName[] = [];
  const trail: Evidence[] = [];
  let ownStore = false;
  for (const event of EVENTS) {
    const all = judged.filter(({ occurrence }) => occurrence.event === event);
    const counted = all.filter(({ live, store }) => live && store.class !== undefined && store.level === undefined);
    if (counted.length > 0) {
      const { stores, decisive } = keep(counted);
      const named = counted.filter(({ occurrence }) => occurrence.named);
      if (named.length > 0) trail.push(evidenceOf(named, 'session events are recorded: logs')[0]!);
      if (named.some(({ occurrence }) => occurrence.sink.store.kind !== 'logger')) ownStore = true;
      events[event] = { status: 'logged', sink: sinkText(decisive), storageClass: decisive.class!, evidence: evidenceOf(counted.filter(({ store }) => stores.includes(store)), 'logs') };
      kept.push({ event, phrase: decisive.phrase, class: decisive.class!, confidence: decisive.confidence });
      for (const store of stores) {
        const key = `${store.key}\u0000${store.name}`;
        const known = storage.get(key);
        if (known === undefined) storage.set(key, { store, events: new Set([event]) });
        else known.events.add(event);
      }
      continue;
    }
    events[event] = notCounted(event, all, input.declared);
    if (all.some(({ live, store }) => live && store.class === undefined) && events[event].status === 'not_logged') consoleOnly.push(event);
  }
  return { events, kept, storage: describe(storage), others: otherEvents(judged, input.declared), consoleOnly, trail: ownStore || trail.length >= 2 ? trail : [] };
}

/** A record in a log of its own decides before a line of text; of the sinks of one function the best, of several functions the worst. */
function keep(counted: readonly Judged[]): { stores: Classified[]; decisive: Classified } {
  const dedicated = counted.filter(({ occurrence }) => occurrence.sink.store.kind !== 'logger' || (occurrence.sink.dedicated && occurrence.named));
  const named = dedicated.length > 0 ? dedicated : counted.filter(({ occurrence }) => occurrence.named);
  const chosen = named.length > 0 ? named : counted;
  const byWriter = new Map<object, Classified>();
  for (const { occurrence, store } of chosen) {
    const known = byWriter.get(occurrence.fn);
    if (known === undefined || RANK[store.class!] > RANK[known.class!]) byWriter.set(occurrence.fn, store);
  }
  const stores = [...byWriter.values()];
  const decisive = stores.toSorted((a, b) => RANK[a.class!] - RANK[b.class!] || (a.phrase < b.phrase ? -1 : a.phrase > b.phrase ? 1 : 0))[0]!;
  return { stores, decisive };
}

function sinkText(store: Classified): string {
  return store.phrase.replace(/^(?:via|in|to) /, '');
}

function notCounted(event: EventName, all: readonly Judged[], declared: readonly DeclaredName[]): EventReport {
  const dead = all.filter(({ live, store }) => !live && store.class !== undefined);
  const dropped = all.filter(({ live, store }) => live && store.class !== undefined && store.level !== undefined);
  const onConsole = all.filter(({ live, store }) => live && store.class === undefined);
  if (dead.length > 0) return { status: 'dead_code', sink: null, evidence: evidenceOf(dead, 'nothing calls what logs') };
  if (dropped.length > 0) return { status: 'not_logged', sink: null, evidence: evidenceOf(dropped, `production drops ${dropped[0]!.occurrence.sink.level} (level ${dropped[0]!.store.level}): would log`) };
  if (onConsole.length > 0) return { status: 'not_logged', sink: null, evidence: evidenceOf(onConsole, 'the console is not a log: prints') };
  const names = declared.filter((item) => item.event === event);
  if (names.length === 0) return { status: 'not_logged', sink: null, evidence: [] };
  return { status: 'declared_only', sink: null, evidence: sortEvidence(names.map(({ place, name, what }) => ({ ...place, why: `${name} is declared (${what}), and nothing logs it` }))).slice(0, MAX_EVIDENCE) };
}

function evidenceOf(judged: readonly Judged[], verb: string): Evidence[] {
  const all = judged.map(({ occurrence, store }): Evidence => {
    const wrappers = occurrence.through.map((call) => writtenPath(call.callee)).filter((name) => name !== '');
    const through = wrappers.length === 0 ? '' : ` through ${[...new Set(wrappers)].reverse().join(' → ')}`;
    return { ...placeAt(occurrence.module, occurrence.at), why: `${verb} ${visible(occurrence.text)}${through} ${store.phrase}` };
  });
  return sortEvidence(all).slice(0, MAX_EVIDENCE);
}

function visible(text: string): string {
  const plain = text.replaceAll('\u0001', '…').replace(/\s+/g, ' ');
  return plain.length > 60 ? `"${plain.slice(0, 57)}…"` : `"${plain}"`;
}

function sortEvidence(all: readonly Evidence[]): Evidence[] {
  const sorted = all.toSorted((a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.why, b.why));
  return sorted.filter((item, i) => i === 0 || item.file !== sorted[i - 1]!.file || item.line !== sorted[i - 1]!.line);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function assert(store: Classified, assertions: readonly SinkAssertion[]): Classified {
  if (store.class === undefined) return store;
  const found = assertions.find(({ sink }) => sink === '*' || store.name.toLowerCase().includes(sink.toLowerCase()) || store.phrase.toLowerCase().includes(sink.toLowerCase()));
  if (found === undefined) return store;
  const phrase = store.class === found.class ? store.phrase : `${store.phrase.replace(/\bmutable /, '').replace(/ to a remote service$/, '')} (${found.class}, as the configuration states)`;
  return { ...store, class: found.class, confidence: 'medium', mechanism: `stated in the configuration: ${found.reason}`, phrase, carveOuts: [...store.carveOuts, 'a statement of the configuration, not shown by code'] };
}

function describe(storage: ReadonlyMap<string, { store: Classified; events: ReadonlySet<EventName> }>): StorageReport[] {
  return [...storage.values()]
    .map(({ store, events }): StorageReport => ({
      name: store.name, class: store.class!, confidence: store.confidence, mechanism: store.mechanism, evidence: sortEvidence(store.evidence).slice(0, 8), carveOuts: store.carveOuts,
      events: EVENTS.filter((event) => events.has(event)),
    }))
    .sort((a, b) => RANK[a.class] - RANK[b.class] || compare(a.name, b.name) || compare(a.mechanism, b.mechanism));
}

function otherEvents(judged: readonly Judged[], declared: readonly DeclaredName[]): DetectReport['otherSessionEvents'] {
  const found = new Map<string, { name: string; file: string; line: number; logged: boolean }>();
  for (const { occurrence, live, store } of judged) {
    if (occurrence.event !== 'other' || /\s/.test(occurrence.text)) continue;
    const place = placeAt(occurrence.module, occurrence.at);
    const logged = live && store.class !== undefined;
    const known = found.get(occurrence.text);
    if (known === undefined || (logged && !known.logged) || (logged === known.logged && compare(place.file, known.file) < 0)) found.set(occurrence.text, { name: occurrence.text, file: place.file, line: place.line, logged });
  }
  for (const { event, name, place } of declared) if (event === 'other' && !found.has(name)) found.set(name, { name, file: place.file, line: place.line, logged: false });
  return [...found.values()].sort((a, b) => compare(a.name, b.name)).slice(0, 50);
}
