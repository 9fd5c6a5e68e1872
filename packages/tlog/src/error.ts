/**
 * Every reason for which a function of this package refuses its input.
 *
 * The code is the contract; messages may change. Nearly all of them mean "this evidence is bad": parsed bytes are hostile
 * until checked. `ERR_TLOG_ARGUMENT_INVALID` alone means that the caller made a mistake.
 */
export type TlogErrorCode =
  | 'ERR_TLOG_ARGUMENT_INVALID'
  | 'ERR_TLOG_BASE64_MALFORMED'
  | 'ERR_TLOG_BUNDLE_MALFORMED'
  | 'ERR_TLOG_CHECKPOINT_MALFORMED'
  | 'ERR_TLOG_COSIGNATURE_MALFORMED'
  | 'ERR_TLOG_DECIMAL_MALFORMED'
  | 'ERR_TLOG_ENTRY_TOO_LARGE'
  | 'ERR_TLOG_HASH_MALFORMED'
  | 'ERR_TLOG_KEY_MALFORMED'
  | 'ERR_TLOG_KEY_UNSUPPORTED'
  | 'ERR_TLOG_NODES_MALFORMED'
  | 'ERR_TLOG_NOTE_MALFORMED'
  | 'ERR_TLOG_NOTE_UNVERIFIED'
  | 'ERR_TLOG_ORIGIN_MISMATCH'
  | 'ERR_TLOG_PROOF_MALFORMED'
  | 'ERR_TLOG_PROOF_MISMATCH'
  | 'ERR_TLOG_QUORUM_UNMET'
  | 'ERR_TLOG_SIGNATURE_INVALID'
  | 'ERR_TLOG_TILE_MALFORMED'
  | 'ERR_TLOG_TILE_PATH_MALFORMED'
  | 'ERR_TLOG_TREE_EDGE'
  | 'ERR_TLOG_TREE_SIZE'
  | 'ERR_TLOG_UTF8_MALFORMED'
  | 'ERR_TLOG_WITNESS_MALFORMED';

/**
 * The one error class of this package: a `code` to branch on, a message to read, and the `cause` if there was one.
 *
 * Compare `code`, not the class: two copies of the package in one process have two classes.
 */
export class TlogError extends Error {
  override readonly name = 'TlogError';
  /** The reason, from a closed list. */
  readonly code: TlogErrorCode;

  /** Makes an error with `code`; `message` names what was being done and both values. */
  constructor(code: TlogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Returns `text` for use in a message: quoted, control characters escaped, and cut, because it may be hostile. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
