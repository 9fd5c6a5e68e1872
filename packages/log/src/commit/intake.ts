/** Batches on their way to `append`, which the committer fetches when it has time for them. */
export interface Intake {
  /** Appends what is there. */
  take(): void;
  /** Appends what is there and what comes until the promise is settled. */
  takeDuring(work: Promise<void>): Promise<void>;
}
