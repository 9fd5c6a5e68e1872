import { EventError } from '@indelible/event';

/** Runs the function and returns the EventError that it must throw. */
export function refusalOf(run: () => unknown): EventError {
  try {
    run();
  } catch (error) {
    if (error instanceof EventError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
