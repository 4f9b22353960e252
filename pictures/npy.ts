// NumPy's .npy files: how arrays of pictures and features pass between stages, and into Python for whoever wants to look.
export { NpyFile, type NpyOptions } from './npy-file.ts';
export type { Dtype, TypedArrays } from './npy-format.ts';
export { NpyWriter } from './npy-writer.ts';
