const DAY_MS = 86_400_000;

/** The bank's clock: it says what time it is yesterday, and moves when it is told to. */
export class Clock {
  #midnightMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;
  #nowMs = this.#midnightMs;
  /** Called for each half minute that passes, as the tracker's own timer would be. */
  onTick = async () => {};

  now = () => this.#nowMs;

  get date() {
    return new Date(this.#midnightMs).toISOString().slice(0, 10);
  }

  /** Moves to a time of the day, HH:MM. */
  async moveTo(time) {
    const [hours, minutes] = time.split(':').map(Number);
    const untilMs = this.#midnightMs + (hours * 60 + minutes) * 60_000;
    for (let nowMs = this.#nowMs + 30_000; nowMs < untilMs; nowMs += 30_000) {
      this.#nowMs = nowMs;
      await this.onTick();
    }
    this.#nowMs = untilMs;
  }
}
