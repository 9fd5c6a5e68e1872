/** What was not looked at, by reason, with a first example of each. */
export class PassedOver {
  readonly #reasons: Map<string, { count: number; first: string }> = new Map();

  add(reason: string, path: string): void {
    const known = this.#reasons.get(reason);
    if (known === undefined) this.#reasons.set(reason, { count: 1, first: path });
    else known.count++;
  }

  /** Sorted by reason. */
  list(): { readonly reason: string; readonly count: number; readonly first: string }[] {
    return [...this.#reasons].map(([reason, { count, first }]) => ({ reason, count, first })).sort((a, b) => (a.reason < b.reason ? -1 : 1));
  }
}
