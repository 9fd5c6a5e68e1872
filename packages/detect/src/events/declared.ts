import type { OtherText } from '../code/load.ts';
import { placeAt } from '../code/place.ts';
import type { Project } from '../code/project.ts';
import type { Place } from '../report.ts';
import { readEventName, type EventName } from './event-name.ts';

/** A name of an event that is listed somewhere, written by nobody as far as the list says. */
export interface DeclaredName {
  readonly event: EventName | 'other';
  readonly name: string;
  readonly place: Place;
  readonly what: string;
}

const NOT_EVENTS = /route|path|url|page|label|text|i18n|transl|message|string|error|title|menu|nav|endpoint|api|keyword|icon|scope|permission|mode|screen|status_?code|form|props|variant|view|step|tab|section|link|locale|lang|field|param|column|grant|claim|metadata|header|keys?\b|sensitive/i;

/** Names in enums, unions, constant lists, schemas of databases. */
export function declaredNames(project: Project, others: readonly OtherText[]): DeclaredName[] {
  const found: DeclaredName[] = [];
  for (const module of project.modules.values()) {
    for (const { text, at, what } of module.declared) {
      if (!isName(text) || NOT_EVENTS.test(what)) continue;
      const reading = readEventName(text);
      if (reading !== undefined && !reading.weak) found.push({ event: reading.event, name: text, place: placeAt(module, at), what });
    }
  }
  for (const { path, kind, text } of others) {
    if (kind === 'prisma') for (const match of text.matchAll(/\benum\s+(\w+)\s*\{([^}]*)\}/g)) for (const word of match[2]!.matchAll(/^\s*(\w+)/gm)) note(found, path, text, word[1]!, match.index + match[0].indexOf(match[2]!) + word.index, `enum ${match[1]}`);
    if (kind === 'sql' && /\bcheck\b|\benum\b/i.test(text)) for (const match of text.matchAll(/'([A-Za-z_.]{4,40})'/g)) note(found, path, text, match[1]!, match.index, 'a list in SQL');
  }
  return found;
}

function note(found: DeclaredName[], path: string, text: string, name: string, at: number, what: string): void {
  if (!isName(name)) return;
  const reading = readEventName(name);
  if (reading === undefined || reading.weak) return;
  const line = text.slice(0, at).split('\n').length;
  found.push({ event: reading.event, name, place: { file: path, line, snippet: (text.split('\n')[line - 1] ?? '').trim().slice(0, 160) }, what });
}

function isName(text: string): boolean {
  return text.length < 60 && /^[\w.:-]+$/.test(text);
}
