/** The stable codes of {@link GeoError}; a code is a contract, a message is not. */
export type GeoErrorCode =
  | 'ERR_GEO_DATA_NOT_INSTALLED'
  | 'ERR_GEO_FILE_DAMAGED'
  | 'ERR_GEO_FILE_UNREADABLE'
  | 'ERR_GEO_FILE_UNSUPPORTED'
  | 'ERR_GEO_OPTION_INVALID';

/** The error of this package: data about addresses that cannot be used. Only opening throws it, never a lookup. */
export class GeoError extends Error {
  override readonly name: string = 'GeoError';
  /** The reason, from a closed list. */
  readonly code: GeoErrorCode;
  /** The file it is about. */
  readonly path: string | undefined;

  /** Makes an error with `code`; `message` says what to change. */
  constructor(code: GeoErrorCode, message: string, options: { readonly path?: string; readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.path = options.path;
  }
}
