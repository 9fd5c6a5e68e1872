/** Where a refresh-token family stands. */
export interface FamilyState {
  readonly userId: string;
  /** The id of the only token of the family that may be rotated. */
  readonly current: string;
  /** The id of the token before it. */
  readonly previous: string | undefined;
  /** When `previous` was rotated, Unix milliseconds. */
  readonly rotatedMs: number;
  /** When `current` expires, Unix milliseconds. */
  readonly expiresMs: number | undefined;
  /** How often `previous` came again within the grace time; on the record with the family's next event. */
  readonly graceReplays: number;
}

/** Keeps the families; a table with one row per family is enough. What it rejects with passes through to the caller. */
export interface FamilyStore {
  create(family: string, state: FamilyState): Promise<void>;
  read(family: string): Promise<FamilyState | undefined>;
  /**
   * Replaces the state where its `current` is still `from`, and tells whether it was.
   *
   * MUST be atomic (`UPDATE … WHERE family = $1 AND current = $2`): of two requests with one token only one may rotate it.
   */
  advance(family: string, from: string, next: FamilyState): Promise<boolean>;
  delete(family: string): Promise<void>;
  /** Deletes all families of a user. */
  deleteAll(userId: string): Promise<void>;
}

/** A store in memory, for tests and for one process; it forgets expired families when new ones come. */
export function memoryFamilyStore(): FamilyStore {
  const families = new Map<string, FamilyState>();
  return {
    async create(family, state) {
      if (families.has(family)) throw new Error('a refresh-token family with this id exists: make a random one for each login');
      families.set(family, state);
      if (families.size % 1024 === 0) forgetExpired(families);
    },
    async read(family) {
      return families.get(family);
    },
    async advance(family, from, next) {
      if (families.get(family)?.current !== from) return false;
      families.set(family, next);
      return true;
    },
    async delete(family) {
      families.delete(family);
    },
    async deleteAll(userId) {
      for (const [family, state] of families) if (state.userId === userId) families.delete(family);
    },
  };
}

function forgetExpired(families: Map<string, FamilyState>): void {
  for (const [family, { expiresMs }] of families) if (expiresMs !== undefined && expiresMs <= Date.now()) families.delete(family);
}
