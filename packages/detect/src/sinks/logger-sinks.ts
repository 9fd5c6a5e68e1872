import type { Entity, Frame } from '../code/entity.ts';
import { lastName, writtenPath, type Call, type Value } from '../code/ir.ts';
import type { Resolver } from '../code/resolver.ts';
import { fieldsOf, type RecordField, type WrittenRecord } from '../events/record.ts';
import type { Sink, Store } from './sink.ts';

/** Packages that log. */
export const LOGGER_PACKAGES: ReadonlySet<string> = new Set([
  'pino', 'winston', 'bunyan', 'log4js', 'consola', 'loglevel', 'signale', 'tslog', 'roarr', 'npmlog', 'electron-log', 'pino-http', 'express-pino-logger', 'nestjs-pino', 'nest-winston',
  'next-axiom', '@logtail/node', '@logtail/next', '@axiomhq/pino', '@datadog/browser-logs', '@google-cloud/logging', '@google-cloud/logging-winston', 'adze', 'fancy-log', 'hono-pino', '@logdna/logger', 'diary', 'logdown', 'log4js-api',
  '@adonisjs/core/services/logger', '@ioc:Adonis/Core/Logger', '@aws-lambda-powertools/logger', 'evlog', '@logtape/logtape', 'lambda-log', 'jet-logger', 'express-winston', '@tsed/logger', '@feathersjs/commons',
]);

const LEVELS = /^(?:info|warn|warning|error|debug|trace|fatal|log|notice|audit|security|verbose|silly|http|success|event|auth|access|critical|alert|emerg|emergency|crit|silent|write|access|important)$/;
const LOGGER_TYPE = /^(?:Logger|LoggerService|ILogger|PinoLogger|WinstonLogger|BaseLogger|FastifyBaseLogger|AppLogger|Log|CustomLogger|WinstonLoggerService|Bunyan|ConsolaInstance|AuditLogger|LoggerInstance)$/;
const LOGGER_NAME = /^_?\$?(?:log|logger|logging|winston|pino|.*Logger|.*_logger|.*Log|.*_log|appLog|LOG|LOGGER|Logger)$/;
/** Methods that make another logger of a logger. */
const CHILD = new Set(['child', '()', 'getLogger', 'withContext', 'extend', 'withTag', 'getSubLogger', 'setContext', 'scope', 'default', 'bindings', 'with', 'logger', 'log']);

/** The logger that a value is, if it is one; `console` is its own kind. */
function loggerOf(resolver: Resolver, value: Value, frame: Frame): Store | undefined {
  const entities = resolver.resolve(value, frame);
  for (const entity of entities) {
    const store = storeOfEntity(entity, value);
    if (store !== undefined) return store;
  }
  const ours = entities.some(({ e }) => e === 'inst' || e === 'cls' || e === 'mod' || e === 'val' || e === 'fn' || e === 'ext' || e === 'made');
  const name = lastName(value) ?? '';
  if (ours || !LOGGER_NAME.test(name)) return undefined;
  // Only its name says that it is a logger: which one is not known.
  return { kind: 'logger', library: '', label: writtenPath(value) };
}

function storeOfEntity(entity: Entity, value: Value): Store | undefined {
  const label = writtenPath(value);
  switch (entity.e) {
    case 'global':
      return /^(?:(?:window|globalThis|global|self)\.)?console$/.test(entity.name) ? { kind: 'console' } : undefined;
    case 'made':
      if (entity.pkg === '@nestjs/common') return entity.path === 'Logger' ? { kind: 'logger', library: '@nestjs/common Logger', label } : undefined;
      if (/^fastify$/.test(entity.pkg) && entity.rest.includes('log')) return { kind: 'logger', library: 'fastify', made: { call: entity.call, frame: entity.f, pkg: entity.pkg, path: entity.path }, label };
      if (!LOGGER_PACKAGES.has(entity.pkg) || !entity.rest.every((step) => CHILD.has(step))) return undefined;
      return { kind: 'logger', library: entity.pkg, made: { call: entity.call, frame: entity.f, pkg: entity.pkg, path: entity.path }, label };
    case 'ext':
      if (entity.pkg === '@nestjs/common') return entity.path === 'Logger' ? { kind: 'logger', library: '@nestjs/common Logger', label } : undefined;
      if (LOGGER_PACKAGES.has(entity.pkg)) return { kind: 'logger', library: entity.pkg, label };
      return /(?:^|[/@-])(?:logger|logging|log)$/i.test(entity.pkg) || (/^(?:log|logger|[a-z]\w*Logger)$/.test(entity.path) && !/sentry/.test(entity.pkg)) ? { kind: 'logger', library: entity.pkg, label } : undefined;
    case 'typed': {
      const name = entity.rest.length === 0 ? entity.type.name : (entity.rest.at(-1) ?? '');
      if (entity.rest.length === 0 && LOGGER_TYPE.test(name)) {
        return { kind: 'logger', library: entity.pkg === '@nestjs/common' ? '@nestjs/common Logger' : entity.pkg === undefined || entity.pkg === '' ? '' : entity.pkg, label };
      }
      if (entity.rest.length === 1 && /^(?:log|logger)$/.test(name)) return { kind: 'logger', library: /fastify/i.test(entity.pkg ?? entity.type.name) ? 'fastify' : '', label };
      return entity.pkg !== undefined && LOGGER_PACKAGES.has(entity.pkg) && entity.rest.every((step) => CHILD.has(step)) ? { kind: 'logger', library: entity.pkg, label } : undefined;
    }
    default:
      return undefined;
  }
}

/** The sink that a call of a logger's method is. */
export function loggerSink(resolver: Resolver, call: Call): Sink | undefined {
  const { callee } = call;
  if (call.args.length === 0) return undefined;
  const frame: Frame = { fn: call.fn };
  if (callee.k !== 'mem') return callee.k === 'name' && LEVELS.test(callee.name) ? takenMethod(resolver, call, frame) : undefined;
  if (!LEVELS.test(callee.prop) && !isNamedLogger(callee.of)) return undefined;
  const store = loggerOf(resolver, callee.of, frame);
  if (store === undefined) return LEVELS.test(callee.prop) ? takenMethod(resolver, call, frame) : undefined;
  if (!LEVELS.test(callee.prop) && (store.kind !== 'logger' || store.made === undefined || CHILD.has(callee.prop) || /^(?:add|remove|on|once|close|configure|query|stream|profile|startTimer|flush|isLevelEnabled|addContext|setLevel)$/.test(callee.prop))) return undefined;
  // A logger of ours with a method of that name is read through its own code.
  const level = levelOf(resolver, call, callee.prop);
  return {
    store, call, level, dedicated: isNamedLogger(callee.of) || callee.prop === 'audit' || callee.prop === 'security',
    record: (at) => loggerRecord(resolver, call, at, store),
  };
}

/** A method that was taken off a logger: `const { info } = pino()`, `audit: logger.audit.bind(logger)`. */
function takenMethod(resolver: Resolver, call: Call, frame: Frame): Sink | undefined {
  for (const entity of resolver.resolve(call.callee, frame)) {
    if (entity.e !== 'made' || !LOGGER_PACKAGES.has(entity.pkg)) continue;
    const level = entity.rest.at(-1);
    if (level === undefined || !LEVELS.test(level) || !entity.rest.slice(0, -1).every((step) => CHILD.has(step))) continue;
    const store: Store = { kind: 'logger', library: entity.pkg, made: { call: entity.call, frame: entity.f, pkg: entity.pkg, path: entity.path }, label: writtenPath(call.callee) };
    return { store, call, level, dedicated: level === 'audit' || level === 'security', record: (at) => loggerRecord(resolver, call, at, store) };
  }
  return undefined;
}

function isNamedLogger(value: Value): boolean {
  return /audit|security|auth|session|access/i.test(lastName(value) ?? '');
}

const LEVEL_NAMES = /^(?:info|warn|warning|error|debug|trace|fatal|notice|verbose|silly|http|audit|security|crit|critical|alert|emerg|log)$/i;

function levelOf(resolver: Resolver, call: Call, method: string): string {
  if (method !== 'log') return method;
  const first = call.args[0];
  if (first?.k === 'str' && LEVEL_NAMES.test(first.v) && call.args.length > 1) return first.v;
  if (first?.k === 'obj') {
    const level = first.props.find((prop) => prop.key === 'level')?.value;
    if (level?.k === 'str') return level.v;
  }
  void resolver;
  return 'info';
}

function loggerRecord(resolver: Resolver, call: Call, frame: Frame, store: Store): WrittenRecord {
  const fields: RecordField[] = [];
  const open: WrittenRecord['open'][number][] = [];
  let sentences = 0;
  const isNest = store.kind === 'logger' && store.library.startsWith('@nestjs');
  for (const [i, arg] of call.args.entries()) {
    if (i === 0 && arg.k === 'str' && LEVEL_NAMES.test(arg.v) && call.args.length > 1 && call.callee.k === 'mem' && call.callee.prop === 'log') continue;
    if (isNest && i > 0 && arg.k !== 'obj') continue;
    const inner = fieldsOf(resolver, arg, frame, '', 0);
    open.push(...inner.open);
    for (const field of inner.fields) {
      if (field.key !== '') fields.push(field);
      else if (sentences++ === 0) fields.push({ ...field, key: 'message' });
    }
  }
  return { fields, open };
}
