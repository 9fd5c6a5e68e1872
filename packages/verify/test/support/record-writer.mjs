// Writes records as docs/spec/record.md says, with node:crypto and nothing else: what the verifier is tested against must not share
// its code, nor the writer's.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** An Ed25519 key with a name, made from one byte. */
export function makeKey(name, byte) {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, byte)]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const typed = Buffer.concat([Buffer.from([1]), publicKey]);
  const keyId = sha256(name, '\n', typed).subarray(0, 4);
  return {
    name,
    keyId,
    vkey: `${name}+${keyId.toString('hex')}+${typed.toString('base64')}`,
    sign: (message) => sign(null, Buffer.from(message), privateKey),
  };
}

/** The signed note of a tree. */
export function makeNote(key, size, root) {
  const text = `${key.name}\n${size}\n${root.toString('base64')}\n`;
  return `${text}\n— ${key.name} ${Buffer.concat([key.keyId, key.sign(text)]).toString('base64')}\n`;
}

/** A Merkle tree that grows: its maximal complete subtrees, largest first. */
export class Tree {
  size = 0;
  edge = [];

  add(entry) {
    let node = { size: 1, hash: sha256('\0', entry) };
    while (this.edge.at(-1)?.size === node.size) node = { size: node.size * 2, hash: sha256('\x01', this.edge.pop().hash, node.hash) };
    this.edge.push(node);
    this.size++;
  }

  get hashes() {
    return this.edge.map((node) => node.hash);
  }

  get root() {
    if (this.size === 0) return sha256('');
    return this.hashes.reduceRight((right, left) => sha256('\x01', left, right));
  }

  clone() {
    const copy = new Tree();
    copy.size = this.size;
    copy.edge = [...this.edge];
    return copy;
  }
}

const START_MS = Date.UTC(2026, 10, 20, 8, 0, 0);

/** An entry as the format lays it out: id, timestamp, event first. */
export function makeEntry(index, fields = {}) {
  const id = `019390a0-0000-7000-8000-${String(index).padStart(12, '0')}`;
  const timestamp = new Date(START_MS + index * 1_000).toISOString();
  return JSON.stringify({ id, timestamp, event: 'login', userId: `u${index}`, sessionId: `s${index}`, ...fields });
}

/** Writes one record, from log.json to the last seal. */
export class RecordWriter {
  tree = new Tree();
  segment = 0;
  /** Note of the last seal, and of all. */
  note;
  notes = [];
  /** Everything written to the current segment. */
  length = 0;

  constructor(directory, key, { created = START_MS, after } = {}) {
    this.directory = directory;
    this.genesis = key;
    this.key = key;
    this.timeMs = created;
    mkdirSync(directory, { recursive: true });
    const log = `${JSON.stringify({ indelible: 'log', v: 1, origin: key.name, key: key.vkey, created: this.#now(), ...(after ? { after } : {}) })}\n`;
    writeFileSync(join(directory, 'log.json'), log);
    this.logDigest = sha256(log).toString('base64');
    this.#open();
  }

  #now() {
    this.timeMs += 1;
    return new Date(this.timeMs).toISOString();
  }

  get path() {
    return join(this.directory, `${String(this.segment).padStart(6, '0')}.ndjson`);
  }

  #open(prev) {
    const fields = {
      ...{ indelible: 'segment', v: 1, origin: this.key.name, segment: this.segment, log: this.logDigest, key: this.key.vkey, time: this.#now() },
      ...{ size: this.tree.size, edge: this.tree.hashes.map((hash) => hash.toString('base64')) },
      ...(prev ? { prev } : {}),
      ...(this.note === undefined ? {} : { seal: this.note }),
    };
    const unsigned = JSON.stringify(fields).slice(0, -1);
    const sig = this.key.sign(`indelible/segment/v1\n${unsigned}`).toString('base64');
    const line = `${unsigned},"sig":"${sig}"}\n`;
    writeFileSync(this.path, line);
    this.length = Buffer.byteLength(line);
    return this;
  }

  /** Appends bytes that belong to nobody. */
  raw(bytes) {
    appendFileSync(this.path, bytes);
    this.length += Buffer.byteLength(bytes);
    return this;
  }

  /** Appends entries and their seal; `between` are foreign bytes before the seal. */
  batch(entries, { between = '' } = {}) {
    const first = this.tree.size;
    const body = Buffer.from(entries.map((entry) => `${entry}\n`).join(''));
    for (const entry of entries) this.tree.add(entry);
    this.note = makeNote(this.key, this.tree.size, this.tree.root);
    this.notes.push(this.note);
    const seal = `${JSON.stringify({ indelible: 'seal', offset: this.length, length: body.length, first, note: this.note })}\n`;
    return this.raw(Buffer.concat([body, Buffer.from(between), Buffer.from(seal)]));
  }

  /** `count` ordinary entries under one seal. */
  fill(count, fields) {
    const from = this.tree.size;
    return this.batch(Array.from({ length: count }, (_, i) => makeEntry(from + i, fields)));
  }

  /** Closes the segment, perhaps leaving dead bytes behind, and opens the next one. */
  next(reason = 'full', { dead = '', skip = 0 } = {}) {
    const bytes = Buffer.from(dead);
    const prev = { segment: this.segment, length: this.length, dead: bytes.length, digest: sha256(bytes).toString('base64'), reason };
    this.raw(bytes);
    this.segment += 1 + skip;
    return this.#open(prev);
  }

  /** The entry with which this log's key hands over to `to`. */
  keyChange(to, index = this.tree.size) {
    const timestamp = new Date(START_MS + index * 1_000).toISOString();
    const text = `indelible/key-change/v1\n${this.key.name}\n${this.key.vkey}\n${to.vkey}\n${timestamp}\n`;
    const [fromSig, toSig] = [this.key, to].map((key) => key.sign(text).toString('base64'));
    return makeEntry(index, { event: 'key_changed', userId: undefined, sessionId: undefined, details: { from: this.key.vkey, to: to.vkey, fromSig, toSig } });
  }

  /** Hands over to another key and opens the next segment under it. */
  rotate(to) {
    this.batch([this.keyChange(to)]);
    this.key = to;
    return this.next('key_changed');
  }

  get fileSize() {
    return statSync(this.path).size;
  }
}
