/** Tag of the frame that says: look at the messages. All other tags number the batches, from 1 up. */
export const LOOK_AT_MESSAGES = 0;
