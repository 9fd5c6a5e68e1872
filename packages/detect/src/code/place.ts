import type { Place } from '../report.ts';
import type { Module } from './ir.ts';

/** The place of an offset in a module, with its line as it is written. */
export function placeAt(module: Module, at: number): Place {
  const lines = (module.lines ??= lineStarts(module.text));
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (lines[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return { file: module.path, line: low + 1, snippet: module.text.slice(lines[low], lines[low + 1]).trim().slice(0, 160) };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
