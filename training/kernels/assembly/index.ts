// The WebAssembly module of our own kernels, in AssemblyScript (TypeScript's syntax, compiled to WebAssembly): `npm run assembly`.
export { conv2dBackpropFilterScratch, conv2dBackpropFilterTiles } from './conv2d-backprop-filter';
export { conv2dBackpropInputScratch } from './conv2d-backprop-input';
export { matMulScratch } from './mat-mul';
export { run, serve, workBytes } from './threads';
