import type { Command } from '../command.ts';

// Loaded one at a time: reading all the code costs more than most commands take.
const LOADERS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['init', async () => (await import('./init.ts')).init],
  ['append', async () => (await import('./append.ts')).append],
  ['tail', async () => (await import('./tail.ts')).tail],
  ['verify', async () => (await import('./verify.ts')).verify],
  ['status', async () => (await import('./status.ts')).status],
  ['seal', async () => (await import('./seal.ts')).seal],
  ['prove', async () => (await import('./prove.ts')).prove],
  ['tiles', async () => (await import('./tiles.ts')).tiles],
  ['sweep', async () => (await import('./sweep.ts')).sweep],
  ['rebuild', async () => (await import('./rebuild.ts')).rebuild],
  ['detect', async () => (await import('./detect.ts')).detect],
  ['key rotate', async () => (await import('./key-rotate.ts')).keyRotate],
  ['key show', async () => (await import('./key-show.ts')).keyShow],
]);

/** Names of all commands, in the order in which the help lists them. */
export const COMMAND_NAMES: readonly string[] = [...LOADERS.keys()];

/** The command of a name, or undefined where there is none. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return LOADERS.get(name)?.();
}

/** All of them, in order. */
export async function loadCommands(): Promise<Command[]> {
  return Promise.all([...LOADERS.values()].map((load) => load()));
}
