import { lastName } from '../code/ir.ts';
import { placeAt } from '../code/place.ts';
import type { Project } from '../code/project.ts';
import type { Place } from '../report.ts';
import { wordsOf } from '../events/event-name.ts';

/** A bucket as infrastructure code makes it. */
export interface Bucket {
  /** Names under which it may be written to: its own, and that of its resource. */
  readonly names: Set<string>;
  lock: boolean;
  mode: 'COMPLIANCE' | 'GOVERNANCE' | undefined;
  place: Place;
  lockPlace: Place | undefined;
}

/** A file of infrastructure code. */
export interface InfraText {
  readonly path: string;
  readonly kind: 'hcl' | 'template';
  readonly text: string;
}

/** Finds buckets, whether they are locked, and how. */
export function findBuckets(project: Project, texts: readonly InfraText[]): Bucket[] {
  const buckets: Bucket[] = [];
  for (const text of texts) if (text.kind === 'hcl') terraformBuckets(text, buckets);
  for (const text of texts) if (text.kind === 'hcl') terraformLocks(text, buckets);
  for (const text of texts) if (text.kind === 'template') templateBuckets(text, buckets);
  codeBuckets(project, buckets);
  environmentNames(texts, buckets);
  return buckets;
}

/** The bucket that a writer means: by its very name, by the variable that carries it, or by the same words. */
export function bucketNamed(buckets: readonly Bucket[], name: string): Bucket | undefined {
  const wanted = name.replace(/^process\.env\.?/, '');
  const exact = buckets.find((bucket) => bucket.names.has(wanted));
  if (exact !== undefined) return exact;
  const words = plain(wanted);
  if (words === '') return undefined;
  const near = buckets.filter((bucket) => [...bucket.names].some((own) => plain(own) === words || (words.split(' ').length > 1 && ` ${plain(own)} `.includes(` ${words} `))));
  return near.length === 1 ? near[0] : undefined;
}

function plain(name: string): string {
  return wordsOf(name).replace(/\b(?:aws|s3|bucket|buckets|name|id|prod|production|env|config|this|my)\b/g, '').replace(/\blogs\b/g, 'log').replace(/\s+/g, ' ').trim();
}

function placeIn(text: InfraText, at: number): Place {
  const line = text.text.slice(0, at).split('\n').length;
  const begin = text.text.lastIndexOf('\n', at - 1) + 1;
  const end = text.text.indexOf('\n', at);
  return { file: text.path, line, snippet: text.text.slice(begin, end === -1 ? undefined : end).trim().slice(0, 160) };
}

/** The text from an opening brace to the one that closes it. */
function block(text: string, open: number): string {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const c = text[i];
    if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return text.slice(open, i + 1);
  }
  return text.slice(open);
}

function withoutHashComments(text: string): string {
  return text.replace(/(^|\s)(?:#|\/\/)[^\n]*/g, (all) => all.replace(/[^\n]/g, ' ')).replace(/\/\*[\s\S]*?\*\//g, (all) => all.replace(/[^\n]/g, ' '));
}

function terraformBuckets(file: InfraText, buckets: Bucket[]): void {
  const text = withoutHashComments(file.text);
  for (const match of text.matchAll(/resource\s+"aws_s3_bucket"\s+"([\w-]+)"\s*\{/g)) {
    const body = block(text, match.index + match[0].length - 1);
    const name = /\bbucket\s*=\s*"([^"]+)"/.exec(body)?.[1];
    const mode = /\bmode\s*=\s*"(COMPLIANCE|GOVERNANCE)"/.exec(body)?.[1] as Bucket['mode'];
    const place = placeIn(file, match.index);
    const lock = /object_lock_enabled\s*=\s*(?:true|"Enabled")/.test(body) || /object_lock_configuration\s*\{/.test(body);
    buckets.push({ names: new Set([match[1]!, `aws_s3_bucket.${match[1]}`, ...(name === undefined ? [] : [name])]), lock, mode, place, lockPlace: mode === undefined ? undefined : place });
  }
}

function terraformLocks(file: InfraText, buckets: readonly Bucket[]): void {
  const text = withoutHashComments(file.text);
  for (const match of text.matchAll(/resource\s+"aws_s3_bucket_object_lock_configuration"\s+"[\w-]+"\s*\{/g)) {
    const body = block(text, match.index + match[0].length - 1);
    const target = /\bbucket\s*=\s*(?:aws_s3_bucket\.([\w-]+)|"([^"$]+)")/.exec(body);
    const name = target?.[1] ?? target?.[2];
    const bucket = name === undefined ? undefined : buckets.find((item) => item.names.has(name));
    const mode = /\bmode\s*=\s*"(COMPLIANCE|GOVERNANCE)"/.exec(body)?.[1] as Bucket['mode'];
    if (bucket === undefined || mode === undefined) continue;
    bucket.lock = true;
    bucket.mode = mode;
    bucket.lockPlace = placeIn(file, match.index);
  }
}

function templateBuckets(file: InfraText, buckets: Bucket[]): void {
  const { text } = file;
  if (!text.includes('AWS::S3::Bucket')) return;
  if (text.trimStart().startsWith('{')) {
    for (const match of text.matchAll(/"([\w-]+)"\s*:\s*\{(?=[^{}]*"Type"\s*:\s*"AWS::S3::Bucket")/g)) addTemplate(file, buckets, match[1]!, block(text, match.index + match[0].length - 1), match.index);
    return;
  }
  const lines = text.split('\n');
  let offset = 0;
  for (const [i, line] of lines.entries()) {
    const found = /^(\s*)Type:\s*["']?AWS::S3::Bucket["']?\s*(?:#.*)?$/.exec(line);
    if (found !== null) {
      const indent = found[1]!.length;
      let head = i - 1;
      while (head >= 0 && (lines[head]!.trim() === '' || indentOf(lines[head]!) >= indent || lines[head]!.trim().startsWith('#'))) head--;
      const id = /^\s*["']?([\w-]+)["']?\s*:/.exec(lines[head] ?? '')?.[1];
      let end = i + 1;
      while (end < lines.length && (lines[end]!.trim() === '' || indentOf(lines[end]!) >= indent)) end++;
      if (id !== undefined) addTemplate(file, buckets, id, lines.slice(Math.max(head, 0), end).filter((each) => !each.trim().startsWith('#')).join('\n'), offset);
    }
    offset += line.length + 1;
  }
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function addTemplate(file: InfraText, buckets: Bucket[], id: string, body: string, at: number): void {
  const name = /BucketName["']?\s*:\s*["']?(?:!Sub\s+["']?)?([\w.${}:-]+)/.exec(body)?.[1];
  const mode = /\bMode["']?\s*:\s*["']?(COMPLIANCE|GOVERNANCE)/.exec(body)?.[1] as Bucket['mode'];
  const lock = /ObjectLockEnabled["']?\s*:\s*["']?(?:true|Enabled)/i.test(body);
  const place = placeIn(file, at);
  buckets.push({ names: new Set([id, ...(name === undefined || name.startsWith('!') ? [] : [name])]), lock, mode: lock ? mode : undefined, place, lockPlace: mode === undefined ? undefined : place });
}

/** CDK, Pulumi and the SDK's own calls. */
function codeBuckets(project: Project, buckets: Bucket[]): void {
  for (const maker of ['Bucket', 'BucketV2', 'CfnBucket', 'CreateBucketCommand']) {
    for (const call of project.callsNamed(maker)) {
      if (!call.isNew) continue;
      const body = strip(call.fn.module.text.slice(call.at, call.end));
      const names = new Set<string>();
      for (const arg of call.args) if (arg.k === 'str') names.add(arg.v);
      const own = /\b(?:bucketName|bucket|Bucket)\s*:\s*['"`]([^'"`$]+)['"`]/.exec(body)?.[1] ?? /\bBucket\s*:\s*(process\.env\.\w+)/.exec(body)?.[1]?.replace('process.env.', '');
      if (own !== undefined) names.add(own);
      const holder = [...call.fn.locals].find(([, values]) => values.some((value) => value.k === 'call' && value.call === call))?.[0];
      if (holder !== undefined) names.add(holder);
      const mode = modeIn(body);
      const place = placeAt(call.fn.module, call.at);
      const lock = /objectLockEnabled(?:ForBucket)?\s*:\s*true|objectLockDefaultRetention\s*:|objectLockConfiguration\s*:/i.test(body);
      buckets.push({ names, lock, mode, place, lockPlace: mode === undefined ? undefined : place });
    }
  }
  for (const maker of ['BucketObjectLockConfigurationV2', 'BucketObjectLockConfiguration', 'PutObjectLockConfigurationCommand']) {
    for (const call of project.callsNamed(maker)) {
      const body = strip(call.fn.module.text.slice(call.at, call.end));
      const target = /\b[bB]ucket\s*:\s*(?:['"`]([^'"`]+)['"`]|(?:this\.|process\.env\.)?(\w+))/.exec(body);
      const name = target?.[1] ?? target?.[2];
      const bucket = name === undefined ? undefined : buckets.find((item) => item.names.has(name));
      const mode = modeIn(body);
      if (mode === undefined) continue;
      const place = placeAt(call.fn.module, call.at);
      if (bucket === undefined) {
        if (name !== undefined) buckets.push({ names: new Set([name]), lock: true, mode, place, lockPlace: place });
        continue;
      }
      bucket.lock = true;
      bucket.mode = mode;
      bucket.lockPlace = place;
    }
  }
  void lastName;
}

function strip(text: string): string {
  return text.replace(/\/\/[^\n]*/g, '').replace(/\/\*[\s\S]*?\*\//g, '');
}

function modeIn(body: string): Bucket['mode'] {
  if (/ObjectLockRetention\.compliance|[mM]ode\s*:\s*['"`]?(?:\w+\.)*COMPLIANCE/i.test(body)) return 'COMPLIANCE';
  return /ObjectLockRetention\.governance|[mM]ode\s*:\s*['"`]?(?:\w+\.)*GOVERNANCE/i.test(body) ? 'GOVERNANCE' : undefined;
}

/** `AUDIT_BUCKET = aws_s3_bucket.audit.id` and `AUDIT_BUCKET: !Ref AuditBucket` carry a bucket to the code. */
function environmentNames(texts: readonly InfraText[], buckets: readonly Bucket[]): void {
  for (const { text } of texts) {
    for (const [, variable = '', target = ''] of text.matchAll(/^\s*["']?([A-Z][A-Z0-9_]{2,})["']?\s*[:=]\s*(?:aws_s3_bucket\.|!Ref\s+|\{\s*Ref:\s*|\{\s*"Ref"\s*:\s*")?([\w-]+)/gm)) {
      for (const bucket of buckets) if (bucket.names.has(target)) bucket.names.add(variable);
    }
  }
}
