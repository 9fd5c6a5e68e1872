// Prevents documents that lie: a link to a file or heading that was renamed, a mentioned path that is not there, an
// example that was changed in `examples/` but not on the page that quotes it, a package without a README, and traces of
// the machine that a file was written on (its folders, its package registry) in what is published.
//
//   node tools/check-docs.mjs [ROOT]
//
// A quoted example is a code block below a line `<!-- from: path#region -->` (or `<!-- from: path -->`, the whole file).
// A region lies between `// #region name` and `// #endregion` (`#` in Python and shell) and is quoted without its indent.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { conclude, listFiles, listPackages, readText, root } from './support/source-tree.mjs';

const MARKER = /^<!-- from: (\S+?)(?:#(\S+))? -->$/;
const LINK = /\[(?:[^[\]]|\[[^[\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const DEFINITION = /^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s+"[^"]*")?\s*$/;
const MENTION = /(?<![\w./@-])(?:docs|packages|examples|tools|bench|e2e|testdata)(?:\/[\w.-]+)+\.(?:md|ts|mjs|js|json|py|sh|go)\b/g;

// One letter in brackets keeps the expressions from finding themselves.
const MACHINE_PATH = /(?<![\w.$}~*-])\/(?:work|root|home|Users|tmp)\/[\w.]/;
const REGISTRY = /[r]egistry\.[\w-]+\.[a-z]|[r]egistry\s*=\s*["']?http|[a]rtifactory|[v]erdaccio|"resolved": "[h]ttp/;

const problems = [];
const files = listFiles();
const documents = new Map(files.filter((path) => path.endsWith('.md')).map((path) => [path, readDocument(path)]));
let links = 0;
let quotes = 0;

for (const [path, document] of documents) {
  for (const { line, target } of document.links) checkLink(path, line, target);
  for (const quote of document.quotes) checkQuote(path, quote);
}
for (const path of files) checkText(path);
for (const name of listPackages()) {
  if (!documents.has(`packages/${name}/README.md`)) problems.push(`packages/${name}/README.md: is missing`);
}
conclude(problems, `${documents.size} documents, ${links} links, ${quotes} quoted examples, ${files.length} files without machine paths`);

/** Takes a document apart: its links, the anchors of its headings, its quoted examples. */
function readDocument(path) {
  const document = { links: [], anchors: new Set(), quotes: [] };
  const seen = new Map();
  let fence;
  let marker;
  for (const [index, text] of readText(path).split('\n').entries()) {
    const line = index + 1;
    const edge = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
    if (fence !== undefined) {
      if (edge !== undefined && edge.startsWith(fence.edge) && text.trim() === edge) {
        if (fence.marker !== undefined) document.quotes.push({ ...fence.marker, text: fence.lines.join('\n') });
        fence = undefined;
      } else fence.lines.push(text);
      continue;
    }
    if (edge !== undefined) {
      fence = { edge, marker, lines: [] };
      marker = undefined;
      continue;
    }
    if (marker !== undefined && text.trim() !== '') {
      problems.push(`${path}:${marker.line}: the marker is not followed by a code block`);
      marker = undefined;
    }
    const from = MARKER.exec(text.trim());
    if (from !== null) marker = { line, source: from[1], region: from[2] };
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading !== undefined) addAnchor(document.anchors, seen, heading);
    for (const [, id] of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) document.anchors.add(id);
    const prose = text.replace(/(`+)[^`]*?\1/g, (code) => ' '.repeat(code.length));
    for (const [, target] of prose.matchAll(LINK)) document.links.push({ line, target });
    for (const [, target] of prose.matchAll(/<a\s+href="([^"]+)"/g)) document.links.push({ line, target });
    const definition = DEFINITION.exec(prose)?.[1];
    if (definition !== undefined) document.links.push({ line, target: definition });
  }
  if (fence !== undefined) problems.push(`${path}: a code block is not closed`);
  return document;
}

/** The anchor that GitHub gives a heading: lower case, no punctuation, a number behind the second of the same name. */
function addAnchor(anchors, seen, heading) {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  const slug = text.replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').trim().replaceAll(' ', '-');
  const count = seen.get(slug) ?? 0;
  seen.set(slug, count + 1);
  anchors.add(count === 0 ? slug : `${slug}-${count}`);
}

function checkLink(path, line, target) {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return;
  links++;
  const [file, anchor] = decodeURI(target).split('#');
  if (file.startsWith('/')) {
    problems.push(`${path}:${line}: link to ${target}: write it relative to this file`);
    return;
  }
  const aim = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file));
  if (aim.startsWith('..') || !existsSync(join(root, aim))) {
    problems.push(`${path}:${line}: link to ${target}: there is no such file`);
  } else if (anchor !== undefined && documents.has(aim) && !documents.get(aim).anchors.has(anchor)) {
    problems.push(`${path}:${line}: link to ${target}: ${aim} has no such heading`);
  }
}

function checkQuote(path, { line, source, region, text }) {
  quotes++;
  const where = `${path}:${line}: example from ${source}${region === undefined ? '' : `#${region}`}`;
  if (!existsSync(join(root, source))) {
    problems.push(`${where}: there is no such file`);
    return;
  }
  const original = region === undefined ? readText(source).split('\n') : readRegion(source, region);
  if (original === undefined) problems.push(`${where}: there is no such region, or it is not closed`);
  else if (tidy(original) !== tidy(text.split('\n'))) problems.push(`${where}: is not what the file says; copy it again`);
}

function readRegion(source, name) {
  const lines = readText(source).split('\n');
  const begin = lines.findIndex((line) => new RegExp(`^\\s*(?://|#)\\s*#region ${name}\\s*$`).test(line));
  if (begin === -1) return undefined;
  const rest = lines.slice(begin + 1);
  const end = rest.findIndex((line) => /^\s*(?:\/\/|#)\s*#endregion\b/.test(line));
  return end === -1 ? undefined : rest.slice(0, end);
}

/** Without the common indent and without spaces at the ends, so that only what is read counts. */
function tidy(lines) {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)[0].length);
  const indent = Math.min(...indents, Infinity);
  return lines.map((line) => line.slice(Math.min(indent, line.length)).trimEnd()).join('\n').trim();
}

/** Looks for mentioned paths that are not there, and for traces of a machine. */
function checkText(path) {
  const bytes = readFileSync(join(root, path));
  if (bytes.includes(0)) return;
  const nested = dirname(path).split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  for (const [index, text] of bytes.toString('utf8').split('\n').entries()) {
    const where = `${path}:${index + 1}`;
    const machine = MACHINE_PATH.exec(text);
    if (machine !== null) problems.push(`${where}: "${text.slice(machine.index, machine.index + 40)}" is a path of one machine`);
    if (REGISTRY.test(text)) problems.push(`${where}: names a package registry; leave that to the user's configuration`);
    if (!/\.(?:md|ts|mjs|py)$/.test(path) || path.endsWith('.test.ts') || path === 'CHANGELOG.md') continue;
    for (const [mention] of text.matchAll(MENTION)) {
      const there = ['', ...nested].some((folder) => existsSync(join(root, folder, mention)));
      const reported = problems.some((problem) => problem.startsWith(`${where}:`) && problem.includes(mention.split('/').at(-1)));
      if (!there && !reported && !/^packages\/[\w-]+\/dist\//.test(mention)) problems.push(`${where}: mentions ${mention}, which is not there`);
    }
  }
}
