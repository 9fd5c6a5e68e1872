import type { Signer } from '@indelible/log';

/** Every checkpoint signature of a run, to find two roots signed for one size. */
export class SignatureBook {
  /** Life of the process that signed, by tree size and root. */
  readonly #signed = new Map<number, Map<string, number>>();
  readonly #released = new Map<number, string>();
  #life = 0;
  /**
   * Sizes with a second root where the first one's seal never became durable and its process died: nobody was told of the first
   * (committer.ts, step 4). Everything else throws.
   */
  readonly abandoned = new Set<number>();

  /** Wraps a signer; `onSign` is called before each checkpoint is signed. */
  watch(signer: Signer, onSign: (treeSize: number) => void = () => undefined): Signer {
    return {
      vkey: signer.vkey,
      ...(signer.privateKey === undefined ? {} : { privateKey: signer.privateKey }),
      sign: (message) => {
        const [, size = '', root = ''] = new TextDecoder().decode(message).split('\n');
        if (/^\d+$/.test(size)) {
          onSign(Number(size));
          this.#note(Number(size), root);
        }
        return signer.sign(message);
      },
    };
  }

  /** The process has died or stopped; another one begins. */
  nextLife(): void {
    this.#life++;
  }

  /** A seal was given out. */
  release(note: string): void {
    const [, size = '', root = ''] = note.split('\n');
    const before = this.#released.get(Number(size));
    if (before !== undefined && before !== root) throw new Error(`two roots were given out for size ${size}`);
    this.#released.set(Number(size), root);
  }

  #note(size: number, root: string): void {
    const roots = this.#signed.get(size) ?? new Map<string, number>();
    this.#signed.set(size, roots);
    for (const [other, life] of roots) {
      if (other === root) continue;
      if (this.#released.get(size) === other) throw new Error(`a second root was signed for size ${size}, whose seal was given out`);
      if (life === this.#life) throw new Error(`one process signed two roots for size ${size}`);
      this.abandoned.add(size);
    }
    roots.set(root, this.#life);
  }
}
