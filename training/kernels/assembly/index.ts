// The WebAssembly module of our own kernels, in AssemblyScript (TypeScript's syntax, compiled to WebAssembly): `npm run assembly`.
export { columnSums } from './column-sums';
export { conv2dBackpropFilter, conv2dBackpropFilterScratch } from './conv2d-backprop-filter';
export { matMul, matMulScratch } from './mat-mul';
export { maxPoolGrad } from './max-pool-grad';
export { reluGrad } from './relu-grad';
