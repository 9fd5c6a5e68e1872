import type { Call } from '../code/ir.ts';
import { placeAt } from '../code/place.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import type { DetectReport } from '../report.ts';
import { LOGGER_PACKAGES } from './logger-sinks.ts';
import type { Store } from './sink.ts';

const MAKERS = /^(?:createLogger|forRoot|forRootAsync|getLogger|configure|pino|P|default|Logger|create|pinoHttp|fastify|Fastify|bunyan|log4js|pinoLogger)$/;

interface Made {
  readonly call: Call;
  readonly pkg: string;
  readonly path: string;
}

function made(project: Project, resolver: Resolver): Made[] {
  const found: Made[] = [];
  const seen = new Set<Call>();
  for (const name of project.calledNames()) {
    for (const call of project.callsNamed(name)) {
      if (seen.has(call) || call.devOnly || !(MAKERS.test(name) || /pino|logger|fastify|winston|bunyan/i.test(name))) continue;
      seen.add(call);
      for (const entity of resolver.resolve(call.callee, { fn: call.fn })) {
        if (entity.e !== 'ext') continue;
        const last = entity.path.split('.').at(-1) ?? '';
        const isMaker = LOGGER_PACKAGES.has(entity.pkg) ? /^(?:|pino|createLogger|getLogger|forRoot|forRootAsync|configure|Logger|default|create|pinoHttp|P|pinoLogger)$/.test(last) : entity.pkg === 'fastify' && /^(?:|fastify|default)$/i.test(last);
        if (isMaker) found.push({ call, pkg: entity.pkg, path: entity.path });
      }
    }
  }
  return found;
}

/** The one logger of an application; undefined where there are several, or none. */
export function findDefaultLogger(project: Project, resolver: Resolver): Store | undefined {
  const all = made(project, resolver).filter(({ path, pkg }) => !(pkg === 'log4js' && path.endsWith('configure')) && pkg !== 'express-winston');
  const real = all.filter(({ pkg }) => pkg !== 'fastify');
  const one = real.length === 1 ? real[0] : real.length === 0 && all.length === 1 ? all[0] : undefined;
  return one === undefined ? undefined : { kind: 'logger', library: one.pkg, made: { call: one.call, frame: { fn: one.call.fn }, pkg: one.pkg, path: one.path }, label: one.pkg };
}

/** Loggers with the line that configures each. */
export function describeLoggers(project: Project, resolver: Resolver): DetectReport['loggers'] {
  return made(project, resolver)
    .map(({ call, pkg }) => {
      const place = placeAt(call.fn.module, call.at);
      const config = call.fn.module.text.slice(call.at, call.end).replace(/\s+/g, ' ').slice(0, 240);
      return { library: pkg, config, file: place.file, line: place.line };
    })
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line))
    .filter((item, i, all) => i === 0 || item.file !== all[i - 1]!.file || item.line !== all[i - 1]!.line);
}
