// Knows of a Ctrl-C while the set-up is at work: a terminal sends it to pip and the compiler, too, and they fail by it.

/** Whether the user interrupted what is at work. */
export interface Interruption {
  readonly happened: boolean;
  /** Ends the watch. */
  stop(): void;
}

/** Watches for SIGINT. Where nobody else does, it ends the process as it would unwatched. */
export function watchForInterrupt(): Interruption {
  let happened = false;
  const stop = () => void process.off('SIGINT', heard);
  const heard = () => {
    happened = true;
    if (process.listenerCount('SIGINT') > 1) return;
    stop();
    process.kill(process.pid, 'SIGINT');
  };
  process.on('SIGINT', heard);
  return {
    get happened() {
      return happened;
    },
    stop,
  };
}
