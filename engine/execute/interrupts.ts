// Ctrl-C once: running stages are asked to end and what is finished stays. Twice: everything ends at once.
import { setMaxListeners } from 'node:events';
import { killAllRuns } from './processes.ts';

/** npm passes a signal on that the terminal has sent to the engine too: so soon after the first it is the same. */
const sameSignal = 500; // milliseconds

/** Watches for signals that ask to end; `stop` ends the watch. */
export function watchInterrupts(): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // each instance that runs has one
  let first = 0;
  const handle = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      first = performance.now();
      controller.abort(name);
    } else if (performance.now() - first > sameSignal) {
      killAllRuns();
      process.exit(130);
    }
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of signals) process.on(name, handle);
  // A terminal that was closed can't be written to, but the run still ends in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignore);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of signals) process.off(name, handle);
    },
  };
}

const ignore = (): void => undefined;
