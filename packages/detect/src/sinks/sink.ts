import type { Frame } from '../code/entity.ts';
import type { Call, Value } from '../code/ir.ts';
import type { WrittenRecord } from '../events/record.ts';

/** Where something is written. */
export type Store =
  | { readonly kind: 'table'; readonly name: string; readonly via: string; readonly model?: string }
  | { readonly kind: 'logger'; readonly library: string; readonly made?: { readonly call: Call; readonly frame: Frame; readonly pkg: string; readonly path: string }; readonly label: string }
  | { readonly kind: 'console' }
  | { readonly kind: 'file'; readonly mode: 'append' | 'write'; readonly name: string; readonly call: Call }
  | { readonly kind: 'memory'; readonly name: string }
  | { readonly kind: 'cache'; readonly name: string; readonly via: string }
  | { readonly kind: 'remote'; readonly name: string; readonly via: string }
  | { readonly kind: 'bucket'; readonly name: string }
  | { readonly kind: 'indelible'; readonly entry: string; readonly log?: { readonly value: Value; readonly frame: Frame } };

/** A call that writes something somewhere. */
export interface Sink {
  readonly store: Store;
  readonly call: Call;
  /** A record with a named event, as opposed to a line of text. */
  readonly dedicated: boolean;
  /** The level of a logger call. */
  readonly level?: string;
  /** What is written, as seen from a frame. */
  readonly record: (frame: Frame) => WrittenRecord;
}

/** What tells one store from another. */
export function storeKey(store: Store): string {
  switch (store.kind) {
    case 'table': return `table:${store.name.toLowerCase()}`;
    case 'logger': return store.made === undefined ? `logger:${store.library}` : `logger:${store.library}:${store.made.call.fn.module.path}:${store.made.call.at}`;
    case 'console': return 'console';
    case 'file': return `file:${store.mode}:${store.name}`;
    case 'memory': return `memory:${store.name}`;
    case 'cache': return `cache:${store.name}`;
    case 'remote': return `remote:${store.via}:${store.name}`;
    case 'bucket': return `bucket:${store.name}`;
    case 'indelible': return `indelible:${store.log?.frame.fn.module.path ?? ''}`;
    default: return '';
  }
}
