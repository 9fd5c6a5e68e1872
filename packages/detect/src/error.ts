/** Every reason for which a codebase could not be examined. */
export type DetectErrorCode = 'ERR_DETECT_CONFIG_INVALID' | 'ERR_DETECT_NO_CODE' | 'ERR_DETECT_PATH_INVALID';

/** What keeps the detector from giving a verdict. The message is one sentence and says what to do. */
export class DetectError extends Error {
  override readonly name: string = 'DetectError';
  readonly code: DetectErrorCode;

  constructor(code: DetectErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
