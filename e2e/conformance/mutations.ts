import { CHECKPOINT_MUTATIONS } from './mutations/checkpoint.ts';
import { ENTRY_MUTATIONS } from './mutations/entries.ts';
import { HISTORY_MUTATIONS } from './mutations/history.ts';
import type { Mutation } from './mutations/mutation.ts';
import { SIGNATURE_MUTATIONS } from './mutations/signature.ts';
import { TILE_MUTATIONS } from './mutations/tiles.ts';

/** The changes by what they touch, in the order of the table. */
export const MUTATION_GROUPS: readonly { readonly title: string; readonly mutations: readonly Mutation[] }[] = [
  { title: 'Entries', mutations: ENTRY_MUTATIONS },
  { title: 'Hash tiles', mutations: TILE_MUTATIONS },
  { title: 'Text of the checkpoint', mutations: CHECKPOINT_MUTATIONS },
  { title: 'Signature lines', mutations: SIGNATURE_MUTATIONS },
  { title: 'The whole history', mutations: HISTORY_MUTATIONS },
];

/** Every change of exported tiles that a verifier has to notice. */
export const MUTATIONS: readonly Mutation[] = MUTATION_GROUPS.flatMap(({ mutations }) => mutations);

export { HARMLESS, UNDETECTABLE } from './mutations/limits.ts';
export type { Mutation } from './mutations/mutation.ts';
