// Lets signals, progress and other stages in during long work that never waits by itself.

const interval = 25; // milliseconds
let last = performance.now();

/** Gives way if the last time was a while ago. */
export async function breathe(): Promise<void> {
  if (performance.now() - last < interval) return;
  await new Promise((resolve) => setImmediate(resolve));
  last = performance.now();
}
