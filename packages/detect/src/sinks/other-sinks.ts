import type { Frame } from '../code/entity.ts';
import { lastName, writtenPath, type Call, type Value } from '../code/ir.ts';
import type { Resolver } from '../code/resolver.ts';
import { UNKNOWN_PIECE, textsOf } from '../code/strings.ts';
import { fieldsOf, type WrittenRecord } from '../events/record.ts';
import { isLogTable, snakeCase } from './log-table.ts';
import type { Sink, Store } from './sink.ts';

const NONE: Value = { k: 'none' };
const FS = /^(?:fs|fs\/promises|fs-extra|graceful-fs|node:fs|node:fs\/promises)$/;
const HOSTED = /^(?:@workos-inc\/node|@retracedhq\/retraced|@retracedhq\/sdk|retraced|@boxyhq\/[\w-]+|@elastic\/[\w-]+|@opensearch-project\/opensearch|@axiomhq\/js|@logtail\/[\w-]+|@datadog\/[\w-]+|datadog-[\w-]+|dd-trace|splunk-logging|@google-cloud\/logging|@aws-sdk\/client-(?:cloudwatch-logs|firehose|kinesis|eventbridge|sqs|sns)|@azure\/[\w-]+|kafkajs|amqplib|bullmq|bull|@google-cloud\/pubsub|@upstash\/qstash|inngest|immudb-node|@sap\/audit-logging|@cap-js\/audit-logging|@pangeacyber\/[\w-]+|pangea-node-sdk|@opentelemetry\/api-logs|applicationinsights|loggly|node-syslog|syslog-client|modern-syslog)$/;
/** What a method is called that hands something to a service. */
const TELLS = /^(?:send|sendBatch|emit|track|write|publish|capture|ingest\w*|enqueue|add|put\w*|index|bulk|error|info|warn|save|submit|insert|append|request|invoke|record|.*(?:audit|log|event|record|report).*)$/i;
const NAME_OF_LOG = /audit|security|access|session|auth|login/i;

/** The sink that a call is, which writes to a file, to memory, to a cache or over the wire. */
export function otherSink(resolver: Resolver, call: Call): Sink | undefined {
  const name = lastName(call.callee);
  if (name === undefined) return undefined;
  return fileSink(resolver, call, name) ?? memorySink(resolver, call, name) ?? remoteSink(resolver, call, name);
}

function sink(resolver: Resolver, store: Store, call: Call, data: readonly Value[]): Sink {
  return {
    store, call, dedicated: true,
    record: (frame) => {
      const parts = data.map((value) => fieldsOf(resolver, value, frame));
      const record: WrittenRecord = { fields: parts.flatMap(({ fields }) => fields), open: parts.flatMap(({ open }) => open) };
      return record;
    },
  };
}

function fileSink(resolver: Resolver, call: Call, name: string): Sink | undefined {
  if (!/^(?:appendFile|appendFileSync|writeFile|writeFileSync|write|writeSync|outputFile|end)$/.test(name)) return undefined;
  const frame: Frame = { fn: call.fn };
  const callee = resolver.resolve(call.callee, frame);
  if (name === 'write' || name === 'end' || name === 'writeSync') {
    const stream = callee.find((entity) => entity.e === 'made' && FS.test(entity.pkg) && /createWriteStream$|open(?:Sync)?$/.test(entity.path));
    if (stream?.e !== 'made') return undefined;
    return sink(resolver, streamStore(resolver, stream.call, stream.f), call, call.args.slice(name === 'writeSync' ? 1 : 0));
  }
  if (!callee.some((entity) => entity.e === 'ext' && FS.test(entity.pkg)) && !/^(?:fs|fsp|fsPromises)\b/.test(writtenPath(call.callee))) return undefined;
  const target = nameOfFile(resolver, call.args[0] ?? NONE, frame);
  const flag = flagOf(resolver, call.args[2] ?? NONE, frame);
  const append = name.startsWith('append') ? flag === undefined || flag.startsWith('a') : flag?.startsWith('a') === true;
  return sink(resolver, { kind: 'file', mode: append ? 'append' : 'write', name: target, call }, call, call.args.slice(1, 2));
}

function streamStore(resolver: Resolver, call: Call, frame: Frame): Store {
  const isOpen = /open(?:Sync)?$/.test(lastName(call.callee) ?? '');
  const flag = isOpen ? textsOf(resolver, call.args[1] ?? NONE, frame).texts[0]?.text : flagOf(resolver, call.args[1] ?? NONE, frame);
  return { kind: 'file', mode: flag?.startsWith('a') === true ? 'append' : 'write', name: nameOfFile(resolver, call.args[0] ?? NONE, frame), call };
}

/** The flag with which a file is opened: `{ flags: 'a' }`, `{ flag: 'a' }`. */
export function flagOf(resolver: Resolver, value: Value, frame: Frame): string | undefined {
  for (const entity of resolver.resolve(value, frame)) {
    if (entity.e !== 'val' || entity.v.k !== 'obj') continue;
    const flag = entity.v.props.find((prop) => prop.key === 'flags' || prop.key === 'flag')?.value;
    if (flag !== undefined) return textsOf(resolver, flag, entity.f).texts[0]?.text;
  }
  return undefined;
}

/** The name of a file, as far as it is written: of `path.join(dir, 'audit.log')` the last part. */
export function nameOfFile(resolver: Resolver, value: Value, frame: Frame): string {
  if (value.k === 'call' && /^(?:join|resolve)$/.test(lastName(value.call.callee) ?? '')) {
    const parts = value.call.args.map((arg) => textsOf(resolver, arg, frame).texts[0]?.text).filter((part) => part !== undefined);
    if (parts.length > 0) return clean(parts.join('/'));
  }
  const text = textsOf(resolver, value, frame).texts[0]?.text;
  if (text !== undefined) return clean(text);
  if (value.k === 'name') {
    for (const local of value.name === '' ? [] : (frame.fn.locals.get(value.name) ?? frame.fn.module.top.locals.get(value.name) ?? [])) if (local.k === 'call') return nameOfFile(resolver, local, frame);
  }
  const entity = resolver.resolve(value, frame).find((item) => item.e === 'made');
  if (entity?.e === 'made' && /join$|resolve$/.test(entity.path)) {
    const parts = entity.call.args.map((arg) => textsOf(resolver, arg, entity.f).texts[0]?.text).filter((part) => part !== undefined);
    if (parts.length > 0) return clean(parts.join('/'));
  }
  return writtenPath(value) || 'file';
}

function clean(path: string): string {
  return path.replaceAll(UNKNOWN_PIECE, '*').replace(/^(?:\.\/|\.\.\/|\/)+/, '').replace(/\/{2,}/g, '/');
}

function memorySink(resolver: Resolver, call: Call, name: string): Sink | undefined {
  if (!/^(?:push|unshift|lpush|rpush|xadd|zadd|hset|hSet|lPush|rPush|xAdd|zAdd)$/.test(name) || call.callee.k !== 'mem') return undefined;
  const receiver = lastName(call.callee.of) ?? '';
  if (name !== 'push' && name !== 'unshift') {
    const key = textsOf(resolver, call.args[0] ?? NONE, { fn: call.fn }).texts[0]?.text ?? '';
    if (!/redis|cache|kv|client|valkey/i.test(writtenPath(call.callee.of)) || !(isLogTable(key.split(':')[0] ?? '') || NAME_OF_LOG.test(key))) return undefined;
    return sink(resolver, { kind: 'cache', name: key.replaceAll(UNKNOWN_PIECE, '*'), via: 'redis' }, call, call.args.slice(1));
  }
  if (!/audit|log|trail|history|events?$/i.test(receiver) || !isLogTable(receiver)) return undefined;
  const isArray = resolver.resolve(call.callee.of, { fn: call.fn }).some((entity) => entity.e === 'val' && entity.v.k === 'arr');
  return isArray || writtenPath(call.callee.of).startsWith('this.') ? sink(resolver, { kind: 'memory', name: writtenPath(call.callee.of) }, call, call.args) : undefined;
}

function remoteSink(resolver: Resolver, call: Call, name: string): Sink | undefined {
  const frame: Frame = { fn: call.fn };
  const { args } = call;
  const path = writtenPath(call.callee);
  if (name === 'PutObjectCommand' || name === 'putObject' || name === 'upload') return bucketSink(resolver, call, frame);
  if (/^(?:PutCommand|PutItemCommand|TransactWriteCommand)$/.test(name) || (name === 'put' && args[0]?.k === 'obj')) {
    const table = propertyText(resolver, args[0] ?? NONE, 'TableName', frame);
    const item = property(args[0] ?? NONE, 'Item');
    return table === undefined || item === undefined || !isLogTable(table) ? undefined : sink(resolver, { kind: 'table', name: table, via: 'dynamodb' }, call, [item]);
  }
  if (/^(?:fetch|\$fetch|ofetch|post|put|request|axios|sendBeacon|got|ky|send)$/.test(name)) {
    const url = textsOf(resolver, args[0] ?? NONE, frame).texts[0]?.text ?? propertyText(resolver, args[0] ?? NONE, 'url', frame) ?? '';
    // Another part of the same application takes what goes to a relative address: it is read there.
    if (url !== '' && !url.startsWith('/') && /audit|siem|splunk|log(?!in|out|o)|event|trail|ingest|collect|loki|elastic|datadog/i.test(url)) return sink(resolver, { kind: 'remote', name: 'HTTP', via: name }, call, args.slice(url === '' ? 0 : 1));
  }
  if (/^(?:add|publish|send|sendToQueue|emitAsync|enqueue|produce|PutLogEventsCommand|PutRecordCommand|PutEventsCommand|SendMessageCommand|PublishCommand)$/.test(name) && /queue|producer|topic|stream|kafka|rabbit|channel|sqs|sns|kinesis|firehose|pubsub|PutLog|PutRecord|PutEvents|SendMessage|Publish/i.test(path) && /audit|log|security|event/i.test(path + writtenArguments(args))) {
    return sink(resolver, { kind: 'remote', name: path, via: 'queue' }, call, args);
  }
  if (!TELLS.test(name)) return undefined;
  for (const entity of resolver.resolve(call.callee, frame)) {
    const pkg = entity.e === 'ext' || entity.e === 'made' ? entity.pkg : entity.e === 'typed' ? (entity.pkg ?? '') : '';
    // A file that is not here, ignored by git say, is nobody's log.
    if (pkg === '' || pkg.startsWith('.')) continue;
    if (HOSTED.test(pkg) && args.some((arg) => arg.k === 'obj' || arg.k === 'str')) return sink(resolver, { kind: 'remote', name: pkg, via: 'client' }, call, args);
    // A function of a package that is not here and says what it does.
    if (entity.e === 'ext' && /audit|security_?(?:log|event)|session_?event|log_?event/i.test(entity.path) && !/^(?:@indelible|fs|path|react|next)/.test(pkg) && !call.isNew) return sink(resolver, { kind: 'remote', name: `${pkg} ${entity.path}`, via: 'package' }, call, args);
  }
  return undefined;
}

function bucketSink(resolver: Resolver, call: Call, frame: Frame): Sink | undefined {
  const input = call.args[0] ?? NONE;
  const body = property(input, 'Body');
  if (body === undefined) return undefined;
  const bucket = property(input, 'Bucket');
  const name = bucket === undefined ? '' : (textsOf(resolver, bucket, frame).texts[0]?.text ?? environmentName(bucket) ?? writtenPath(bucket));
  return sink(resolver, { kind: 'bucket', name }, call, [body]);
}

function environmentName(value: Value): string | undefined {
  const path = writtenPath(value);
  if (path.includes('process.env.')) return path.slice(path.indexOf('process.env.'));
  return value.k === 'alt' ? value.options.map((option) => (option.k === 'str' ? option.v : environmentName(option))).find((name) => name !== undefined) : undefined;
}

function property(value: Value, key: string): Value | undefined {
  return value.k === 'obj' ? value.props.find((prop) => prop.key === key)?.value : undefined;
}

function propertyText(resolver: Resolver, value: Value, key: string, frame: Frame): string | undefined {
  const found = property(value, key);
  return found === undefined ? undefined : (textsOf(resolver, found, frame).texts[0]?.text ?? (environmentName(found) === undefined ? undefined : snakeCase(environmentName(found)!)));
}

function writtenArguments(args: readonly Value[]): string {
  return args.map((arg) => (arg.k === 'str' ? arg.v : arg.k === 'obj' ? arg.props.map((prop) => `${prop.key ?? ''} ${prop.value.k === 'str' ? prop.value.v : writtenPath(prop.value)}`).join(' ') : writtenPath(arg))).join(' ');
}
