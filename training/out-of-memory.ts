// Tells when a step failed for want of memory, and what to try then.
import { UserError } from '../engine/stage.ts';

/** What TensorFlow (status 8 is RESOURCE_EXHAUSTED), WebAssembly and V8 say when memory is out. */
const signs =
  /TF_Status: 8\b|OOM when allocating|out of memory|memory access out of bounds|Cannot enlarge memory|Array buffer allocation failed|bad_alloc/i;

/** @returns the error as a sentence with the batch size to try, or as it is if it is about something else */
export function withBatchToTry(error: unknown, batch: number): unknown {
  if (error instanceof UserError || !(error instanceof Error) || !signs.test(error.message)) return error;
  const advice =
    batch > 1
      ? `Try a batch of ${Math.floor(batch / 2)}`
      : 'Try smaller pictures (resize.size) or fewer filters';
  return new UserError(
    `Memory does not suffice for a training step of ${batch} picture${batch === 1 ? '' : 's'}. ` +
      `${advice} in params.yaml. (${error.message.split('\n').at(-1)})`,
    { cause: error },
  );
}
