import { errorMessage } from './error.ts';
import type { Output } from './output.ts';
import { visibleText } from './visible-text.ts';

/** A listener for failures that end nothing, a pin that cannot be kept for instance: each is said once. */
export function warnOnce(err: Output): (error: unknown) => void {
  const said = new Set<string>();
  return (error) => {
    const message = visibleText(errorMessage(error));
    if (said.has(message)) return;
    said.add(message);
    void err.write(`indelible: warning: ${message}\n`);
  };
}
