/** Where events wait on disk while the log is away. */
export interface SpoolOptions {
  /** Holds nothing else; made when it is missing, mode 0700. One process at a time. */
  readonly directory: string;
  /** Secret, at least 32 bytes: makes lines that others wrote or changed known as such. Keep it where the application keeps its secrets. */
  readonly key?: Uint8Array;
  /** How much disk it may use. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Must be given where the directory lies on a disk that a restart empties (tmpfs, a container's own layer). */
  readonly ephemeral?: 'accept-loss';
}
