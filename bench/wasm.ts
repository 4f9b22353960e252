// The training step on WASM beside its own forward pass: what whoever has no compiler pays for the gradients.
import { type Bench, compared, inTurn } from './bench.ts';
import { startOurs } from './step.ts';

export const wasm: Bench = {
  name: 'wasm',
  title: 'training step on WASM, 64 × 64, batch 32: beside its own forward pass',
  async run({ quick }) {
    const numbers = ['64', '32', quick ? '1' : '3'];
    const train = await startOurs('wasm', 'train', numbers);
    const forward = await startOurs('wasm', 'evaluate', numbers);
    try {
      const figures = await inTurn(quick ? 3 : 5, train.measure, forward.measure);
      return [compared('wasm', figures, 'images/s', 'larger')];
    } finally {
      await Promise.all([train.stop(), forward.stop()]);
    }
  },
};
