import type { Bound } from '../code/entity.ts';
import { placeAt } from '../code/place.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import { textsOf } from '../code/strings.ts';
import type { Confidence, Evidence, StorageClass } from '../report.ts';
import { pinoTransportLog } from '../sinks/indelible-sinks.ts';
import { storeKey, type Sink, type Store } from '../sinks/sink.ts';
import type { CounterEvidence } from './counter-evidence.ts';
import { loggerConfig, type Destination } from './destinations.ts';
import { bucketNamed, type Bucket } from './object-lock.ts';
import { protectionOf } from './protection.ts';
import type { SqlSchema } from './sql-schema.ts';

/** A store as the report tells of it. `class` is undefined where nothing is kept: a console. */
export interface Classified {
  readonly key: string;
  readonly name: string;
  readonly class: StorageClass | undefined;
  readonly confidence: Confidence;
  readonly mechanism: string;
  /** As the detail line says it: `via pino to append-only file audit.log`. */
  readonly phrase: string;
  readonly evidence: readonly Evidence[];
  readonly carveOuts: readonly string[];
  /** The least level that gets through. */
  readonly level?: string | undefined;
}

/** What classing needs to know. */
export interface StorageFacts {
  readonly project: Project;
  readonly resolver: Resolver;
  readonly schema: SqlSchema;
  readonly counter: CounterEvidence;
  readonly buckets: readonly Bucket[];
  readonly serviceRole: boolean;
  readonly defaultLogger: Store | undefined;
}

const LEVEL_RANK: Readonly<Record<string, number>> = { silly: 5, trace: 10, debug: 20, verbose: 25, http: 28, info: 30, log: 30, notice: 32, success: 30, warn: 40, warning: 40, error: 50, fatal: 60, critical: 60, crit: 60, alert: 60, emerg: 60 };
const OWNER: Confidence = 'medium';

/** Classes the store of a sink. */
export function classify(facts: StorageFacts, sink: Sink): Classified {
  const { store } = sink;
  const key = storeKey(store);
  switch (store.kind) {
    case 'table': return classifyTable(facts, store, key);
    case 'file': return classifyFile(facts, sink, store.name, store.mode === 'append', 'fs', key);
    case 'memory': return { key, name: store.name, class: 'mutable', confidence: 'high', mechanism: 'memory: gone with the process', phrase: `in memory (${store.name})`, evidence: [], carveOuts: [] };
    case 'cache': return { key, name: store.name, class: 'mutable', confidence: 'high', mechanism: `${store.via}: a cache can be overwritten and expires`, phrase: `in mutable cache ${store.name}`, evidence: [], carveOuts: [] };
    case 'remote': return { key, name: store.name, class: 'unknown', confidence: 'low', mechanism: 'a remote service, whose storage is not part of the code', phrase: `via ${store.name} to a remote service`, evidence: [], carveOuts: [] };
    case 'console': return { key, name: 'console', class: undefined, confidence: 'high', mechanism: 'console: not a log', phrase: 'to the console', evidence: [], carveOuts: [] };
    case 'bucket': return classifyBucket(facts, sink, store.name, key);
    case 'indelible': return classifyIndelible(facts, store, key);
    case 'logger': return classifyLogger(facts, sink, store, key);
    default: return { key, name: '', class: 'unknown', confidence: 'low', mechanism: '', phrase: '', evidence: [], carveOuts: [] };
  }
}

function classifyTable(facts: StorageFacts, store: Store & { kind: 'table' }, key: string): Classified {
  const { name, via } = store;
  const collection = /mongo|collection|firestore|dynamodb/.test(via);
  const protection = protectionOf(facts.schema, name, facts.serviceRole);
  const counter = facts.counter.tables.get(name.toLowerCase()) ?? [];
  const noun = collection ? 'collection' : 'table';
  if (collection && protection.class === 'mutable') {
    return { key, name, class: 'mutable', confidence: 'high', mechanism: `ordinary collection (${via}): entries can be changed and deleted`, phrase: `in mutable collection ${name}`, evidence: [...counter], carveOuts: [] };
  }
  const carveOuts = protection.class === 'append-only' && counter.length > 0 ? [...protection.carveOuts, ...counter.map((item) => `${item.file}:${item.line} tries ${item.why}`)].sort() : protection.carveOuts;
  return {
    key, name, class: protection.class, confidence: protection.confidence, mechanism: protection.mechanism, carveOuts,
    phrase: protection.class === 'append-only' ? `in append-only ${noun} ${name}` : `in mutable ${noun} ${name}`,
    evidence: [...protection.evidence, ...(protection.class === 'mutable' ? counter : [])],
  };
}

function classifyFile(facts: StorageFacts, sink: Sink, name: string, append: boolean, via: string, key: string): Classified {
  const at: Evidence = { ...placeAt(sink.call.fn.module, sink.call.at), why: append ? 'appends to the file' : 'opens the file for writing' };
  const counter = facts.counter.files.get(name) ?? [];
  if (!append) return { key, name, class: 'mutable', confidence: 'high', mechanism: 'the file is opened for writing, not for appending', phrase: `via ${via} to a file that is overwritten, ${name}`, evidence: [at], carveOuts: [] };
  const cuts = counter.filter((item) => item.line !== at.line || item.file !== at.file);
  if (cuts.length > 0) return { key, name, class: 'mutable', confidence: 'high', mechanism: 'the file is removed or cut by the application', phrase: `via ${via} to a file that is removed, ${name}`, evidence: [at, ...cuts], carveOuts: [] };
  return appendOnlyFile(key, name, via, [at]);
}

function appendOnlyFile(key: string, name: string, via: string, evidence: readonly Evidence[]): Classified {
  return { key, name, class: 'append-only', confidence: OWNER, mechanism: `${via} appends to a file`, phrase: `via ${via} to append-only file ${name}`, evidence, carveOuts: ["the file's owner can still edit it"] };
}

function classifyBucket(facts: StorageFacts, sink: Sink, name: string, key: string): Classified {
  const text = sink.call.fn.module.text.slice(sink.call.at, sink.call.end);
  const own = /ObjectLockMode\s*:\s*['"`]?(COMPLIANCE|GOVERNANCE)/.exec(text)?.[1];
  const here: Evidence = { ...placeAt(sink.call.fn.module, sink.call.at), why: 'objects are put here' };
  const found = bucketNamed(facts.buckets, name);
  const mode = own ?? (found?.lock === true ? found.mode : undefined);
  const evidence: Evidence[] = [here];
  if (own !== undefined) evidence.push({ ...here, why: `each object is put under Object Lock in ${own} mode` });
  else if (found !== undefined) evidence.push({ ...(found.lockPlace ?? found.place), why: found.mode === undefined ? 'the bucket is made here, without retention' : `Object Lock in ${found.mode} mode` });
  const label = name === '' ? 'a bucket' : name;
  if (mode === 'COMPLIANCE') return { key, name: label, class: 'append-only', confidence: 'high', mechanism: 'S3 Object Lock, COMPLIANCE', phrase: `in S3 bucket ${label} with Object Lock`, evidence, carveOuts: [] };
  if (mode === 'GOVERNANCE') return { key, name: label, class: 'append-only', confidence: 'medium', mechanism: 'S3 Object Lock, GOVERNANCE', phrase: `in S3 bucket ${label} with Object Lock`, evidence, carveOuts: ['s3:BypassGovernanceRetention lets a privileged user delete'] };
  if (found === undefined) return { key, name: label, class: 'unknown', confidence: 'low', mechanism: 'S3 bucket that no infrastructure code here describes', phrase: `in S3 bucket ${label}`, evidence, carveOuts: [] };
  return { key, name: label, class: 'mutable', confidence: 'high', mechanism: found.lock ? 'S3 bucket with Object Lock but without retention' : 'S3 bucket without Object Lock', phrase: `in mutable S3 bucket ${label}`, evidence, carveOuts: [] };
}

function classifyIndelible(facts: StorageFacts, store: Store & { kind: 'indelible' }, key: string): Classified {
  const { log } = store;
  if (log === undefined || log.value.k !== 'call') return { key, name: 'Indelible', class: 'unknown', confidence: 'low', mechanism: 'Indelible, with a store that is not part of the code', phrase: 'via Indelible to a log that is not part of the code', evidence: [], carveOuts: [] };
  const { call } = log.value;
  const maker = call.callee.k === 'name' ? call.callee.name : call.callee.k === 'mem' ? call.callee.prop : '';
  const at: Evidence = { ...placeAt(call.fn.module, call.at), why: 'the log is opened here' };
  return classifyIndelibleStore(facts, maker, at, key);
}

function classifyIndelibleStore(facts: StorageFacts, maker: string, at: Evidence, key: string): Classified {
  if (maker === 'fileStore') {
    return { key, name: 'Indelible file store', class: 'append-only', confidence: OWNER, mechanism: 'sealed append-only file (Indelible)', phrase: 'via Indelible to append-only file', evidence: [at], carveOuts: ["the file's owner can still edit it; `indelible verify` then shows it"] };
  }
  if (maker === 'memoryStore') return { key, name: 'Indelible memory store', class: 'mutable', confidence: 'high', mechanism: 'memory: gone with the process', phrase: 'in memory', evidence: [at], carveOuts: [] };
  if (maker === 's3Store') {
    const locked = facts.buckets.filter((bucket) => bucket.lock && bucket.mode !== undefined);
    const [bucket] = locked;
    if (locked.length === 1 && bucket !== undefined) return { key, name: 'Indelible S3 store', class: 'append-only', confidence: bucket.mode === 'COMPLIANCE' ? 'high' : 'medium', mechanism: `S3 Object Lock, ${bucket.mode}`, phrase: 'via Indelible to S3 with Object Lock', evidence: [at, { ...(bucket.lockPlace ?? bucket.place), why: `Object Lock in ${bucket.mode} mode` }], carveOuts: bucket.mode === 'GOVERNANCE' ? ['s3:BypassGovernanceRetention lets a privileged user delete'] : [] };
    return { key, name: 'Indelible S3 store', class: 'unknown', confidence: 'low', mechanism: 'S3 bucket that no infrastructure code here describes', phrase: 'via Indelible to an S3 bucket', evidence: [at], carveOuts: [] };
  }
  if (maker === 'postgresStore') {
    const table = ['indelible_entries', 'indelible_entry', 'entries'].find((name) => facts.schema.tables.has(name));
    const protection = table === undefined ? undefined : protectionOf(facts.schema, table, false);
    if (protection !== undefined) return { key, name: 'Indelible Postgres store', class: protection.class, confidence: protection.confidence, mechanism: protection.mechanism, phrase: `via Indelible to ${protection.class} table ${table}`, evidence: [at, ...protection.evidence], carveOuts: protection.carveOuts };
    return { key, name: 'Indelible Postgres store', class: 'unknown', confidence: 'low', mechanism: 'Postgres, whose grants and triggers are not part of the code', phrase: 'via Indelible to a Postgres table', evidence: [at], carveOuts: [] };
  }
  return { key, name: 'Indelible', class: 'unknown', confidence: 'low', mechanism: 'a remote service, whose storage is not part of the code', phrase: 'via Indelible to a remote service', evidence: [at], carveOuts: [] };
}

function classifyLogger(facts: StorageFacts, sink: Sink, store: Store & { kind: 'logger' }, key: string): Classified {
  const effective = store.made === undefined && facts.defaultLogger?.kind === 'logger' && (store.library === '' || store.library === 'fastify' || store.library === 'winston' || store.library === facts.defaultLogger.library || store.library.startsWith('@nestjs')) ? facts.defaultLogger : store;
  const library = effective.library === '' ? store.label || 'logger' : effective.library;
  if (effective.made === undefined) {
    const stdout = effective.library.startsWith('@nestjs') || /consola|loglevel|signale|tslog|npmlog|fastify/.test(effective.library);
    return { key: storeKey(effective), name: library, class: 'unknown', confidence: 'low', mechanism: stdout ? 'standard output: what collects it is not part of the code' : 'a logger whose configuration was not found', phrase: stdout ? `via ${library} to stdout` : `via ${library}`, evidence: [], carveOuts: [] };
  }
  const config = loggerConfig(facts.project, facts.resolver, effective.made);
  const place: Evidence = { ...placeAt(effective.made.call.fn.module, effective.made.call.at), why: `${library} is configured here` };
  const dropped = isDropped(sink.level, config.level);
  const reach = config.destinations.filter((destination) => destination.level === undefined || !isDropped(sink.level, destination.level));
  const classified = reach.map((destination) => classifyDestination(facts, destination, library, storeKey(effective)));
  const best = pickBest(classified) ?? { key, name: library, class: 'unknown' as const, confidence: 'low' as const, mechanism: 'no destination takes this level', phrase: `via ${library}`, evidence: [], carveOuts: [] };
  return { ...best, key: `${storeKey(effective)}>${best.name}`, evidence: [place, ...best.evidence], level: dropped || (config.destinations.length > 0 && reach.length === 0) ? (config.level ?? 'info') : undefined };
}

function isDropped(level: string | undefined, least: string | undefined): boolean {
  if (level === undefined) return false;
  const rank = LEVEL_RANK[level.toLowerCase()];
  const minimum = LEVEL_RANK[(least ?? 'info').toLowerCase()];
  if (least !== undefined && /^(?:silent|off|none)$/.test(least)) return true;
  return rank !== undefined && minimum !== undefined && rank < minimum;
}

function pickBest(all: readonly Classified[]): Classified | undefined {
  const kept = all.filter((item) => item.name !== 'stdout');
  return kept.find((item) => item.class === 'append-only') ?? kept.find((item) => item.class === 'mutable') ?? kept[0] ?? all[0];
}

function classifyDestination(facts: StorageFacts, destination: Destination, library: string, key: string): Classified {
  const at: Evidence = { ...placeAt(destination.module, destination.at), why: '' };
  const { name } = destination;
  switch (destination.kind) {
    case 'append': {
      const cuts = facts.counter.files.get(name) ?? [];
      if (cuts.length > 0) return { key, name, class: 'mutable', confidence: 'high', mechanism: 'the file is removed or cut by the application', phrase: `via ${library} to a file that is removed, ${name}`, evidence: cuts, carveOuts: [] };
      return appendOnlyFile(key, name, library, [{ ...at, why: `appends to ${name}` }]);
    }
    case 'written': return { key, name, class: 'mutable', confidence: 'high', mechanism: 'the file is opened for writing, not for appending', phrase: `via ${library} to a file that is overwritten, ${name}`, evidence: [{ ...at, why: `truncates ${name}` }], carveOuts: [] };
    case 'rotated': return { key, name, class: 'mutable', confidence: 'high', mechanism: 'the file is rotated and old ones are deleted', phrase: `via ${library} to a file that is rotated and deleted, ${name}`, evidence: [{ ...at, why: `rotates ${name} and deletes old files` }], carveOuts: [] };
    case 'stdout': return { key, name: 'stdout', class: 'unknown', confidence: 'low', mechanism: 'standard output: what collects it is not part of the code', phrase: `via ${library} to stdout`, evidence: [{ ...at, why: 'writes to standard output' }], carveOuts: [] };
    case 'collection': return { key, name, class: 'mutable', confidence: 'high', mechanism: `${name}: an ordinary database`, phrase: `via ${library} to a database (${name})`, evidence: [{ ...at, why: 'writes to a database' }], carveOuts: [] };
    case 'memory': return { key, name, class: 'mutable', confidence: 'high', mechanism: 'memory', phrase: 'in memory', evidence: [], carveOuts: [] };
    case 'indelible': return indelibleTransport(facts, destination.indelible, { ...at, why: 'the transport of Indelible' }, key);
    case 'custom': return { key, name, class: 'unknown', confidence: 'low', mechanism: 'a transport of the project, whose storage was not followed', phrase: `via ${library} and ${name}`, evidence: [{ ...at, why: 'a transport of the project' }], carveOuts: [] };
    default: return { key, name, class: 'unknown', confidence: 'low', mechanism: 'a remote service, whose storage is not part of the code', phrase: `via ${name} to a remote service`, evidence: [{ ...at, why: 'sends to a remote service' }], carveOuts: [] };
  }
}

function indelibleTransport(facts: StorageFacts, options: Bound | undefined, at: Evidence, key: string): Classified {
  const target = pinoTransportLog(facts.resolver, options);
  const text = target === undefined ? undefined : textsOf(facts.resolver, target.value, target.frame).texts[0]?.text;
  if (text === undefined || /^https?:/.test(text)) return classifyIndelibleStore(facts, '', at, key);
  return classifyIndelibleStore(facts, text.startsWith('s3:') ? 's3Store' : text.startsWith('postgres') ? 'postgresStore' : 'fileStore', at, key);
}
