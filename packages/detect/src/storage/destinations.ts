import type { Bound, Entity, Frame } from '../code/entity.ts';
import { lastName, type Call, type Module, type Value } from '../code/ir.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import { UNKNOWN_PIECE } from '../code/strings.ts';
import { flagOf, nameOfFile } from '../sinks/other-sinks.ts';
import { items, look, lookLiteral, lookText } from './look.ts';

/** Where the lines of a logger go. */
export interface Destination {
  readonly kind: 'append' | 'written' | 'rotated' | 'stdout' | 'remote' | 'collection' | 'memory' | 'indelible' | 'custom';
  readonly name: string;
  readonly level: string | undefined;
  readonly module: Module;
  readonly at: number;
  readonly indelible?: Bound;
}

/** A logger's configuration: its level and its destinations. */
export interface LoggerConfig {
  readonly level: string | undefined;
  readonly destinations: readonly Destination[];
}

const FS_PACKAGES = /^(?:fs|fs-extra|graceful-fs)$/;

/** Reads how a logger was made. */
export function loggerConfig(project: Project, resolver: Resolver, made: { readonly call: Call; readonly frame: Frame; readonly pkg: string; readonly path: string }): LoggerConfig {
  const { call, frame, pkg } = made;
  const first = call.args[0];
  const level = lookText(resolver, first, frame, 'level');
  if (pkg === 'pino' || pkg === 'pino-http' || pkg === 'nestjs-pino' || pkg === 'hono-pino' || pkg === 'express-pino-logger') return pinoConfig(resolver, call, frame, level);
  if (pkg === 'winston' || pkg === 'nest-winston' || pkg === 'express-winston') return { level, destinations: winstonDestinations(project, resolver, call, frame) };
  if (pkg === 'bunyan') return { level, destinations: bunyanDestinations(resolver, call, frame) };
  if (pkg === 'log4js') return log4jsConfig(project, resolver, call);
  if (pkg === 'fastify') return fastifyConfig(resolver, call, frame);
  if (pkg === 'electron-log') return { level, destinations: [destination('rotated', 'electron-log', call)] };
  return { level, destinations: [destination(/axiom|logtail|datadog|google-cloud|logdna/.test(pkg) ? 'remote' : 'stdout', pkg, call)] };
}

function destination(kind: Destination['kind'], name: string, call: Call, level?: string): Destination {
  return { kind, name, level, module: call.fn.module, at: call.at };
}

function pinoConfig(resolver: Resolver, call: Call, frame: Frame, ownLevel: string | undefined): LoggerConfig {
  let [options, stream]: (Value | undefined)[] = [call.args[0], call.args[1]];
  let home = frame;
  // nestjs-pino: { pinoHttp: {…} or [options, stream] }; pino-http: { logger } is read where that logger is made.
  const nested = look(resolver, options, frame, 'pinoHttp')[0] ?? look(resolver, options, frame, 'pino')[0];
  if (nested !== undefined) {
    const parts = items(resolver, nested);
    [options, stream] = parts.length > 0 ? [parts[0]?.value, parts[1]?.value] : [nested.value, undefined];
    home = nested.frame;
  }
  const level = lookText(resolver, options, home, 'level') ?? ownLevel;
  if (options !== undefined && isStream(resolver, options, home)) [options, stream] = [undefined, options];
  const found: Destination[] = [];
  if (stream !== undefined) found.push(...streamDestinations(resolver, { value: stream, frame: home }, call));
  for (const transport of look(resolver, options, home, 'transport')) found.push(...transportDestinations(resolver, transport, call));
  for (const inner of look(resolver, options, home, 'stream')) found.push(...streamDestinations(resolver, inner, call));
  return { level, destinations: found.length > 0 ? found : [destination('stdout', 'stdout', call)] };
}

function isStream(resolver: Resolver, value: Value, frame: Frame): boolean {
  return resolver.resolve(value, frame).some((entity) => (entity.e === 'made' && (FS_PACKAGES.test(entity.pkg) || /destination|transport|multistream|final/.test(entity.path) || /pino-|rotating|file-stream|sonic-boom/.test(entity.pkg))) || (entity.e === 'global' && entity.name.startsWith('process.std')));
}

function transportDestinations(resolver: Resolver, bound: Bound, call: Call): Destination[] {
  const many = look(resolver, bound.value, bound.frame, 'targets').flatMap((list) => items(resolver, list));
  if (many.length > 0) return many.flatMap((item) => transportDestinations(resolver, item, call));
  const pipeline = look(resolver, bound.value, bound.frame, 'pipeline').flatMap((list) => items(resolver, list));
  const last = pipeline.at(-1);
  if (last !== undefined) return transportDestinations(resolver, last, call);
  const target = lookText(resolver, bound.value, bound.frame, 'target');
  if (target === undefined) return [];
  const level = lookText(resolver, bound.value, bound.frame, 'level');
  const options = look(resolver, bound.value, bound.frame, 'options')[0];
  const at = { ...destination('stdout', 'stdout', call, level) };
  if (target === '@indelible/session/pino') return [{ ...at, kind: 'indelible', name: target, ...(options === undefined ? {} : { indelible: options }) }];
  if (target === 'pino/file' || target === 'pino-pretty') {
    const file = options === undefined ? undefined : look(resolver, options.value, options.frame, 'destination')[0];
    if (file === undefined || file.value.k === 'lit') return [at];
    const append = options === undefined ? undefined : lookLiteral(resolver, options.value, options.frame, 'append');
    return [{ ...at, kind: append === false ? 'written' : 'append', name: nameOfFile(resolver, file.value, file.frame) }];
  }
  if (target === 'pino-roll') {
    const limit = options === undefined ? [] : look(resolver, options.value, options.frame, 'limit');
    const file = options === undefined ? undefined : look(resolver, options.value, options.frame, 'file')[0];
    return [{ ...at, kind: limit.length > 0 ? 'rotated' : 'append', name: file === undefined ? 'pino-roll' : nameOfFile(resolver, file.value, file.frame) }];
  }
  if (/^[./]/.test(target)) return [{ ...at, kind: 'custom', name: target }];
  const name = target.replaceAll(UNKNOWN_PIECE, '').replace(/^.*node_modules\/((?:@[^/]+\/)?[^/]+).*$/, '$1');
  return [{ ...at, kind: /mongo|postgres|sqlite/i.test(name) ? 'collection' : 'remote', name }];
}

function streamDestinations(resolver: Resolver, bound: Bound, call: Call): Destination[] {
  const found: Destination[] = [];
  for (const entity of resolver.resolve(bound.value, bound.frame)) found.push(...streamDestination(resolver, entity, call));
  return found;
}

function streamDestination(resolver: Resolver, entity: Entity, call: Call): Destination[] {
  if (entity.e === 'global' && /^process\.std(?:out|err)/.test(entity.name)) return [destination('stdout', 'stdout', call)];
  if (entity.e === 'val' && entity.v.k === 'str') return [destination('append', entity.v.v, call)];
  if (entity.e === 'val' && entity.v.k === 'obj') return look(resolver, entity.v, entity.f, 'stream').flatMap((inner) => streamDestinations(resolver, inner, call).map((item) => ({ ...item, level: lookText(resolver, entity.v, entity.f, 'level') })));
  if (entity.e !== 'made') return [];
  const made = entity.call;
  const [first, second] = made.args;
  if (FS_PACKAGES.test(entity.pkg) && entity.path.endsWith('createWriteStream')) {
    const flag = second?.k === 'str' ? undefined : flagOf(resolver, second ?? { k: 'none' }, entity.f);
    return [destination(flag?.startsWith('a') === true ? 'append' : 'written', nameOfFile(resolver, first ?? { k: 'none' }, entity.f), made)];
  }
  const last = entity.path.split('.').at(-1) ?? '';
  if (last === 'destination' || entity.pkg === 'sonic-boom') {
    if (first === undefined || first.k === 'lit') return [destination('stdout', 'stdout', made)];
    const file = look(resolver, first, entity.f, 'dest')[0];
    const append = lookLiteral(resolver, first, entity.f, 'append');
    if (file !== undefined && file.value.k === 'lit') return [destination('stdout', 'stdout', made)];
    if (first.k === 'obj' && file === undefined) return [destination('stdout', 'stdout', made)];
    return [destination(append === false ? 'written' : 'append', file === undefined ? nameOfFile(resolver, first, entity.f) : nameOfFile(resolver, file.value, file.frame), made)];
  }
  if (last === 'transport' && first !== undefined) return transportDestinations(resolver, { value: first, frame: entity.f }, made);
  if (last === 'multistream' && first !== undefined) return items(resolver, { value: first, frame: entity.f }).flatMap((item) => streamDestinations(resolver, item, made));
  if (/pretty/.test(entity.pkg)) return [destination('stdout', 'stdout', made)];
  if (/rotating|file-stream-rotator|rotate/.test(entity.pkg)) {
    const limited = [first, second].some((value) => value !== undefined && (look(resolver, value, entity.f, 'maxFiles').length > 0 || look(resolver, value, entity.f, 'maxSize').length > 0 || look(resolver, value, entity.f, 'max_logs').length > 0));
    return [destination(limited ? 'rotated' : 'append', first === undefined ? entity.pkg : nameOfFile(resolver, first, entity.f), made)];
  }
  return [destination('remote', entity.pkg, made)];
}

function winstonDestinations(project: Project, resolver: Resolver, call: Call, frame: Frame): Destination[] {
  const listed: Bound[] = [];
  for (const value of call.args) {
    for (const list of look(resolver, value, frame, 'transports')) {
      const found = items(resolver, list);
      listed.push(...(found.length > 0 ? found : [list]));
      // const transports = []; transports.push(new File(…))
      const name = list.value.k === 'name' ? list.value.name : undefined;
      if (name !== undefined) listed.push(...pushed(project, call, 'push', name));
    }
  }
  const holder = [...call.fn.locals].find(([, values]) => values.some((value) => value.k === 'call' && value.call === call))?.[0];
  if (holder !== undefined) listed.push(...pushed(project, call, 'add', holder));
  const whole = call.callee.k === 'mem' && call.callee.prop === 'createLogger' ? listed : listed;
  return whole.flatMap((item) => winstonTransport(resolver, item, call));
}

function pushed(project: Project, call: Call, method: string, holder: string): Bound[] {
  return project.callsNamed(method).filter((other) => other.fn.module === call.fn.module && !other.devOnly && other.callee.k === 'mem' && lastName(other.callee.of) === holder)
    .flatMap((other) => other.args.map((value) => ({ value, frame: { fn: other.fn } })));
}

function winstonTransport(resolver: Resolver, bound: Bound, call: Call): Destination[] {
  return resolver.resolve(bound.value, bound.frame).flatMap((entity): Destination[] => {
    if (entity.e === 'inst') return [destination('custom', entity.cls.name, entity.made?.call ?? call)];
    if (entity.e !== 'made') return [];
    const made = entity.call;
    const [options] = made.args;
    const kind = entity.path.split('.').at(-1) ?? '';
    const level = lookText(resolver, options, entity.f, 'level');
    const file = look(resolver, options, entity.f, 'filename')[0];
    const name = file === undefined ? entity.pkg : nameOfFile(resolver, file.value, file.frame);
    if (/rotate/i.test(entity.pkg) || /rotate/i.test(kind)) {
      return [destination(look(resolver, options, entity.f, 'maxFiles').length > 0 ? 'rotated' : 'append', name, made, level)];
    }
    if (entity.pkg !== 'winston') return [destination(/mongo|postgres|sqlite|mysql/i.test(entity.pkg) ? 'collection' : 'remote', entity.pkg, made, level)];
    if (kind === 'Console') return [destination('stdout', 'stdout', made, level)];
    if (kind === 'File') {
      const nested = look(resolver, options, entity.f, 'options')[0];
      const flag = nested === undefined ? undefined : lookText(resolver, nested.value, nested.frame, 'flags');
      if (flag !== undefined && !flag.startsWith('a')) return [destination('written', name, made, level)];
      return [destination(look(resolver, options, entity.f, 'maxFiles').length > 0 ? 'rotated' : 'append', name, made, level)];
    }
    if (kind === 'Stream') {
      const stream = look(resolver, options, entity.f, 'stream')[0];
      return stream === undefined ? [] : streamDestinations(resolver, stream, made);
    }
    return [destination('remote', `winston ${kind}`, made, level)];
  });
}

function bunyanDestinations(resolver: Resolver, call: Call, frame: Frame): Destination[] {
  const [options] = call.args;
  const listed = [...look(resolver, options, frame, 'streams').flatMap((list) => items(resolver, list)), ...look(resolver, options, frame, 'stream').map((stream): Bound => ({ value: { k: 'obj', at: 0, props: [{ key: 'stream', value: stream.value, at: 0 }] }, frame: stream.frame }))];
  const found = listed.flatMap((item): Destination[] => {
    const level = lookText(resolver, item.value, item.frame, 'level');
    const path = look(resolver, item.value, item.frame, 'path')[0];
    if (path !== undefined) {
      const rotated = lookText(resolver, item.value, item.frame, 'type') === 'rotating-file';
      return [destination(rotated ? 'rotated' : 'append', nameOfFile(resolver, path.value, path.frame), call, level)];
    }
    return look(resolver, item.value, item.frame, 'stream').flatMap((stream) => streamDestinations(resolver, stream, call).map((one) => ({ ...one, level })));
  });
  return found.length > 0 ? found : [destination('stdout', 'stdout', call)];
}

function log4jsConfig(project: Project, resolver: Resolver, made: Call): LoggerConfig {
  const found: Destination[] = [];
  let level: string | undefined;
  for (const call of project.callsNamed('configure')) {
    const frame: Frame = { fn: call.fn };
    const [options] = call.args;
    for (const appenders of look(resolver, options, frame, 'appenders')) {
      for (const entity of resolver.resolve(appenders.value, appenders.frame)) {
        if (entity.e !== 'val' || entity.v.k !== 'obj') continue;
        for (const prop of entity.v.props) found.push(...log4jsAppender(resolver, { value: prop.value, frame: entity.f }, call));
      }
    }
    for (const categories of look(resolver, options, frame, 'categories')) for (const main of look(resolver, categories.value, categories.frame, 'default')) level ??= lookText(resolver, main.value, main.frame, 'level');
  }
  return { level, destinations: found.length > 0 ? found : [destination('stdout', 'stdout', made)] };
}

function log4jsAppender(resolver: Resolver, bound: Bound, call: Call): Destination[] {
  const type = lookText(resolver, bound.value, bound.frame, 'type') ?? '';
  const file = look(resolver, bound.value, bound.frame, 'filename')[0];
  const name = file === undefined ? type : nameOfFile(resolver, file.value, file.frame);
  const has = (key: string): boolean => look(resolver, bound.value, bound.frame, key).length > 0;
  if (type === 'console' || type === 'stdout' || type === 'stderr') return [destination('stdout', 'stdout', call)];
  if (type === 'logLevelFilter' || type === 'categoryFilter' || type === 'noLogFilter') return [];
  const flags = lookText(resolver, bound.value, bound.frame, 'flags');
  if (flags !== undefined && !flags.startsWith('a')) return [destination('written', name, call)];
  if (type === 'file' || type === 'fileSync') return [destination(has('maxLogSize') ? 'rotated' : 'append', name, call)];
  if (type === 'dateFile') return [destination(has('numBackups') || has('daysToKeep') ? 'rotated' : 'append', name, call)];
  return [destination('remote', type, call)];
}

function fastifyConfig(resolver: Resolver, call: Call, frame: Frame): LoggerConfig {
  const [options] = call.args;
  const logger = look(resolver, options, frame, 'logger')[0] ?? look(resolver, options, frame, 'loggerInstance')[0];
  if (logger === undefined) return { level: undefined, destinations: [destination('stdout', 'stdout', call)] };
  for (const entity of resolver.resolve(logger.value, logger.frame)) if (entity.e === 'made' && entity.pkg === 'pino') return pinoConfig(resolver, entity.call, entity.f, lookText(resolver, entity.call.args[0], entity.f, 'level'));
  const level = lookText(resolver, logger.value, logger.frame, 'level');
  const found = look(resolver, logger.value, logger.frame, 'transport').flatMap((transport) => transportDestinations(resolver, transport, call));
  for (const stream of look(resolver, logger.value, logger.frame, 'stream')) found.push(...streamDestinations(resolver, stream, call));
  const file = look(resolver, logger.value, logger.frame, 'file')[0];
  if (file !== undefined) found.push(destination('append', nameOfFile(resolver, file.value, file.frame), call));
  return { level, destinations: found.length > 0 ? found : [destination('stdout', 'stdout', call)] };
}
