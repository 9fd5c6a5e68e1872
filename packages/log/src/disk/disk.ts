/**
 * The directory a record lives in, as far as a writer needs it. Nothing here changes or removes a byte that was written: an
 * append-only file system can offer all of it.
 *
 * The Node implementation is `node-disk.ts`; `memory-disk.ts` is stricter than any real disk and can lose what was not synced.
 */
export interface Disk {
  /** Names of the files in the directory. */
  list(): Promise<readonly string[]>;
  /** Size of a file, or undefined where there is none. Only regular files count. */
  size(name: string): Promise<number | undefined>;
  /** Up to `length` bytes from `offset`; fewer only at the end of the file. */
  read(name: string, offset: number, length: number): Promise<Uint8Array>;
  /** Creates an empty file for appending; fails with `EEXIST` where one is. Durable only after its `sync` and `syncDirectory`. */
  create(name: string): Promise<AppendFile>;
  /** Opens an existing file for appending. */
  append(name: string): Promise<AppendFile>;
  /** Is there anything of this name? Synchronous: asked after each sync, where a detour would cost more than the call. */
  exists(name: string): boolean;
  /** Makes created names durable. */
  syncDirectory(): Promise<void>;
  /** How many bytes can still be written to the file system, as far as it tells. Absent: as many as there are. */
  room?(): number;
  /** Gives a file the protection (append-only attribute) that one of the models has, if it can. Never fails. Absent: no such protection. */
  protectLike?(name: string, models: readonly string[]): void;
}

/** A file that only grows. */
export interface AppendFile {
  readonly name: string;
  /** Adds the parts at the end, in one piece as far as other writers see it; fails if not all of them were written. */
  write(parts: readonly Uint8Array[]): void;
  /**
   * Resolves once everything written is durable. After a failure the file is finished: a second sync may lie.
   *
   * @param aside - true: the thread has something to do meanwhile; false (default): it has not, the fastest way is wanted.
   */
  sync(aside?: boolean): Promise<void>;
  /**
   * The size that the file system shows now, or -1 where this file is not the one of its name any more: deleted, moved away or
   * replaced, its bytes would be lost with the last program that has it open. Synchronous, as `exists` is.
   */
  size(): number;
  /** Harmless when it was closed before. */
  close(): Promise<void>;
}
