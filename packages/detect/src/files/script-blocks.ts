const SCRIPT = /<script\b([^>]{0,500})>([\s\S]*?)<\/script\s*>/gi;

/** The code of a single-file component, where it stands in the file, and the names its markup uses. */
export interface ScriptBlocks {
  /** As long as the file; everything outside the scripts is blank, so that places stay right. */
  readonly code: string;
  readonly lang: 'ts' | 'tsx' | 'jsx';
  readonly names: ReadonlySet<string>;
}

/** Takes the script blocks out of a `.vue` or `.svelte` file. */
export function scriptBlocks(text: string): ScriptBlocks {
  let code = '';
  let markup = '';
  let last = 0;
  let lang: ScriptBlocks['lang'] = 'ts';
  for (const match of text.matchAll(SCRIPT)) {
    const [, attributes = '', body = ''] = match;
    const begin = match.index + '<script'.length + attributes.length + 1;
    markup += text.slice(last, match.index);
    code += blank(text.slice(last, begin)) + body;
    last = begin + body.length;
    if (/lang\s*=\s*["']?tsx/i.test(attributes)) lang = 'tsx';
    else if (/lang\s*=\s*["']?jsx/i.test(attributes)) lang = 'jsx';
  }
  markup += text.slice(last);
  code += blank(text.slice(last));
  return { code, lang, names: new Set(markup.match(/[A-Za-z_$][\w$]*/g) ?? []) };
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
