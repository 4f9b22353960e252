// The layers that our kernels are compared with TensorFlow's on: all ways through the kernels, and the edges of their blocks.

/** Two convolutions of 3 × 3, one after the other. */
export interface ConvolutionCase {
  readonly batch: number;
  readonly size: readonly [height: number, width: number];
  readonly channels: number;
  readonly filters: readonly [number, number];
  readonly padding: 'same' | 'valid';
  readonly useBias: boolean;
  readonly activation: 'linear' | 'relu';
  /** Each is followed by the largest of 2 × 2. */
  readonly pooling: boolean;
  /** Between each and its ReLU, which is then a layer of its own. */
  readonly normalization?: boolean;
}

/** What came out of a case. */
export interface ConvolutionResult {
  readonly operations: readonly string[];
  /** Of the output, of each weight's gradient and of the moving statistics, relative to the largest number. */
  readonly differences: Readonly<Record<string, number>>;
  /** Of all that our kernels gave. */
  readonly digest: string;
}

const base = { padding: 'same', useBias: true, activation: 'relu', pooling: true } as const;

export const cases: readonly ConvolutionCase[] = [
  { ...base, batch: 2, size: [16, 16], channels: 3, filters: [16, 32] },
  { ...base, batch: 3, size: [13, 18], channels: 1, filters: [48, 16] },
  { ...base, batch: 2, size: [17, 11], channels: 4, filters: [32, 48], pooling: false },
  { ...base, batch: 2, size: [12, 14], channels: 2, filters: [32, 64], padding: 'valid' },
  { ...base, batch: 1, size: [9, 10], channels: 3, filters: [16, 32], activation: 'linear', pooling: false },
  { ...base, batch: 2, size: [10, 23], channels: 16, filters: [32, 16], useBias: false, padding: 'valid' },
  // Many tiles: several blocks, and sums in several parts.
  { ...base, batch: 16, size: [40, 44], channels: 3, filters: [16, 32] },
  { ...base, batch: 9, size: [30, 34], channels: 32, filters: [48, 32], pooling: false },
  // Batch normalization, sizes that pooling does not divide among them.
  { ...base, batch: 5, size: [16, 18], channels: 3, filters: [16, 48], useBias: false, normalization: true },
  { ...base, batch: 3, size: [37, 23], channels: 3, filters: [32, 16], useBias: false, normalization: true },
  // Kernels that are larger than the caches.
  { ...base, batch: 2, size: [8, 8], channels: 128, filters: [144, 256] },
];
