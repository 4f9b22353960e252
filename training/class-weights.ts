// What each class' pictures count for in the loss, so that rare classes count as much as common ones.

/**
 * Weights n / (classes · n_class), as scikit-learn's `class_weight='balanced'` (King & Zeng 2001); their mean over the pictures is 1.
 *
 * @param labels of all pictures
 * @param rows that train
 * @returns a weight for each class; 1 for one that no row has
 */
export function balancedClassWeights(labels: Int32Array, rows: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const row of rows) counts[labels[row]!]!++;
  return counts.map((count) => (count === 0 ? 1 : rows.length / (classes * count)));
}
