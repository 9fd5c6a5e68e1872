import { realpathSync, statSync } from 'node:fs';
import { Callers } from './code/callers.ts';
import { Liveness } from './code/liveness.ts';
import { load, type Loaded, type OnProgress } from './code/load.ts';
import { Resolver } from './code/resolver.ts';
import { ComplianceFinder, type Compliance } from './compliance.ts';
import type { DetectConfig } from './config.ts';
import { DetectError } from './error.ts';
import { countEvents, type Counted } from './events/count.ts';
import { declaredNames } from './events/declared.ts';
import { EVENTS } from './events/event-name.ts';
import { traceSinks, type Occurrence } from './events/trace.ts';
import { SessionSigns } from './events/session-signs.ts';
import type { DetectReport, Evidence } from './report.ts';
import { findIndelible } from './sinks/indelible-sinks.ts';
import { findSinks } from './sinks/find-sinks.ts';
import { describeLoggers, findDefaultLogger } from './sinks/loggers.ts';
import { findCounterEvidence } from './storage/counter-evidence.ts';
import { findBuckets } from './storage/object-lock.ts';
import { SqlSchema } from './storage/sql-schema.ts';
import { sqlSources } from './storage/sql-sources.ts';
import { Tables } from './storage/tables.ts';
import { decide } from './verdict.ts';

/** Options of `detect`. */
export interface DetectOptions {
  readonly config?: DetectConfig;
  /** Take it that audit requirements hold. */
  readonly assumeCompliance?: boolean;
  /** Never answer skip. */
  readonly noSkip?: boolean;
  readonly onProgress?: OnProgress;
}

/**
 * Gives the verdict of the published check `session-operations-logged` on a codebase.
 *
 * Reads files under `root`, runs none of them and needs neither their dependencies nor a network. The same files give the same report,
 * wherever they lie. Costs about a second for two thousand files.
 *
 * @throws DetectError `ERR_DETECT_PATH_INVALID` where there is no such folder, `ERR_DETECT_NO_CODE` where it holds no JavaScript or TypeScript.
 */
export function detect(root: string, options: DetectOptions = {}): DetectReport {
  const folder = existingFolder(root);
  const compliance = new ComplianceFinder();
  const signs = new SessionSigns();
  const loaded = load(folder, {
    exclude: options.config?.exclude ?? [],
    onProgress: options.onProgress ?? (() => {}),
    onCode: (path, text) => {
      compliance.read({ path, text, kind: 'code' });
      signs.read(path, text);
    },
  });
  if (!loaded.sawCode) throw new DetectError('ERR_DETECT_NO_CODE', `${root} holds no JavaScript or TypeScript: name the folder of an application`);
  return examine(loaded, compliance, signs, options);
}

function examine(loaded: Loaded, compliance: ComplianceFinder, signs: SessionSigns, options: DetectOptions): DetectReport {
  const { project, others } = loaded;
  const resolver = new Resolver(project);
  const schema = new SqlSchema();
  for (const sql of sqlSources(project, resolver, others)) schema.apply(sql);
  const tables = new Tables(project, resolver, others.filter(({ kind }) => kind === 'prisma'), schema.inserting());
  readCompliance(loaded, compliance, schema);
  signs.dependencies(project.dependencies);

  const callers = new Callers(project, resolver);
  const indelible = findIndelible(project, resolver);
  const sinks = [...indelible.sinks, ...findSinks(project, resolver, tables)];
  const occurrences: Occurrence[] = traceSinks(resolver, callers, sinks);
  for (const { call, store, what } of indelible.mounts) {
    for (const event of EVENTS) {
      occurrences.push({ event, text: what, module: call.fn.module, at: call.at, fn: call.fn, through: [], named: true, sink: { store, call, dedicated: true, record: () => ({ fields: [], open: [] }) } });
    }
  }
  const liveness = new Liveness(project, resolver, callers, new Set(occurrences.map(({ fn }) => fn)), loaded.entries, loaded.libraries);
  const buckets = findBuckets(project, others.filter((text): text is typeof text & { kind: 'hcl' | 'template' } => text.kind === 'hcl' || text.kind === 'template'));
  const counted: Counted = countEvents({
    occurrences, liveness, declared: declaredNames(project, others),
    facts: { project, resolver, schema, counter: findCounterEvidence(project, resolver, tables), buckets, serviceRole: loaded.usesServiceRole, defaultLogger: findDefaultLogger(project, resolver) },
    assertions: options.config?.sinks ?? [],
  });
  const verdict = decide({
    events: counted.events, kept: counted.kept, compliance: withTrail(compliance.result(), counted.trail), hasSessions: signs.found || occurrences.some(({ event }) => event !== 'other'), filesRead: loaded.read,
    assumeCompliance: options.assumeCompliance === true, noSkip: options.noSkip === true, stated: options.config?.compliance, consoleOnly: counted.consoleOnly,
  });
  const passedOver = loaded.passedOver.list();
  return {
    check: 'session-operations-logged', severity: 'info', ...order(verdict), events: counted.events, otherSessionEvents: counted.others,
    loggers: describeLoggers(project, resolver), storage: counted.storage, storageClass: verdict.storageClass, compliance: verdict.compliance,
    files: { read: loaded.read, parsed: loaded.parsed, skipped: passedOver.reduce((sum, { count }) => sum + count, 0), passedOver }, notes: notes(loaded),
  };
}

/** A trail of session events is an audit feature. */
function withTrail(found: Compliance, trail: readonly Evidence[]): Compliance {
  return found.auditFeature.length > 0 ? found : { ...found, auditFeature: trail };
}

function order({ result, detail, confidence, ratio }: Pick<DetectReport, 'result' | 'detail' | 'confidence' | 'ratio'>): Pick<DetectReport, 'result' | 'detail' | 'confidence' | 'ratio'> {
  return { result, detail, confidence, ratio };
}

function readCompliance(loaded: Loaded, compliance: ComplianceFinder, schema: SqlSchema): void {
  for (const { path, kind, text } of loaded.others) {
    if (kind === 'document') compliance.read({ path, text, kind: 'document' });
    else if (kind === 'manifest') compliance.read({ path, text: text.split('\n').filter((line) => /"(?:description|keywords)"/.test(line)).join('\n') === '' ? '' : text.replace(/"(?:dependencies|devDependencies)"\s*:\s*\{[^}]*\}/g, ''), kind: 'manifest' });
    else if (kind === 'sql' || kind === 'prisma') compliance.read({ path, text, kind: 'schema' });
    if (kind === 'prisma') for (const match of text.matchAll(/^\s*model\s+(\w+)/gm)) compliance.domainWord(match[1]!, { path, text, at: match.index });
    if (kind === 'sql') for (const match of text.matchAll(/create\s+table\s+(?:if\s+not\s+exists\s+)?(?:["`]?\w+["`]?\.)?["`]?(\w+)/gi)) compliance.domainWord(match[1]!, { path, text, at: match.index });
  }
  for (const module of loaded.project.modules.values()) {
    for (const fn of module.functions) {
      for (const call of fn.calls) {
        const [first] = call.args;
        if (first?.k !== 'str' || call.callee.k !== 'mem' && call.callee.k !== 'name') continue;
        const name = call.callee.k === 'mem' ? call.callee.prop : call.callee.name;
        if (/^(?:pgTable|mysqlTable|sqliteTable|define|model|createTable)$/.test(name)) compliance.domainWord(first.v, { path: module.path, text: module.text, at: first.at });
        if (/^(?:get|post|put|patch|delete|use|route|Controller)$/.test(name) && first.v.startsWith('/')) {
          const segment = first.v.split('/').filter((part) => part !== '' && !/^(?:api|v\d+|:.*)$/.test(part))[0];
          if (segment !== undefined) compliance.domainWord(segment.replaceAll('-', '_'), { path: module.path, text: module.text, at: first.at });
        }
      }
    }
  }
  void schema;
}

function notes(loaded: Loaded): string[] {
  const found: string[] = [];
  const hosted = [...loaded.project.dependencies].filter((name) => /^(?:@clerk\/|@auth0\/|auth0|aws-amplify|@aws-amplify\/|amazon-cognito|@supabase\/|firebase|@workos-inc\/authkit|@kinde|@descope|@stytch)/.test(name)).sort();
  if (hosted.length > 0) found.push(`${hosted[0]} may log sign-ins at its provider: what is kept there is not part of the code`);
  return found;
}

function existingFolder(root: string): string {
  try {
    const folder = realpathSync(root);
    if (statSync(folder).isDirectory()) return folder;
  } catch (cause) {
    throw new DetectError('ERR_DETECT_PATH_INVALID', `${root} cannot be examined: there is no such folder; check the path`, { cause });
  }
  throw new DetectError('ERR_DETECT_PATH_INVALID', `${root} cannot be examined: it is a file, and a folder is needed; name the folder of an application`);
}

