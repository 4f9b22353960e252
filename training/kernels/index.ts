// The kernels and gradients that tfjs lacks, or has only in a slow form.
import type { BackendName } from '../backend-name.ts';
import { registerConv2dBackpropFilter } from './conv2d-backprop-filter.ts';
import { registerConv2dBackpropInput } from './conv2d-backprop-input.ts';
import { registerIdentity } from './identity.ts';
import { registerMatMul } from './mat-mul.ts';
import { registerMaxPoolGrad } from './max-pool-grad.ts';
import { registerReluGrad } from './relu-grad.ts';
import { registerSum } from './sum.ts';

const registered = new Set<BackendName>();

/** Registers what the backend needs. Once for each backend; call it after the backend's own kernels are registered. */
export function registerKernels(backend: BackendName): void {
  if (registered.has(backend)) return;
  registered.add(backend);
  registerReluGrad(backend);
  if (backend === 'wasm') {
    registerConv2dBackpropFilter();
    registerConv2dBackpropInput();
    registerMatMul();
    registerMaxPoolGrad();
    registerSum();
    registerIdentity();
  }
}
