// Steadies the variances of many comparisons that have few seeds each, by what all of them say together.

export interface VarianceEstimate {
  readonly variance: number;
  /** Degrees of freedom of the estimate. */
  readonly df: number;
}

/**
 * Draws each variance towards the common one, as far as all of them together say that they agree.
 *
 * With five seeds a variance is known to a factor of 2 or so, and a test that takes it at its word rarely finds anything. A study
 * has many runs, though, whose variances are alike: an empirical Bayes estimate takes the common variance for d₀ further
 * observations of each, and d₀ follows from how much the variances scatter beyond chance.
 *
 * G. K. Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential Expression in Microarray
 * Experiments", Statistical Applications in Genetics and Molecular Biology 3 (2004), article 3; as `squeezeVar` of the R package limma.
 *
 * @returns the estimates in the order of the given ones. With fewer than three that vary, they are returned as they are;
 * one that does not vary at all stays so.
 */
export function moderateVariances(estimates: readonly VarianceEstimate[]): VarianceEstimate[] {
  const varying = estimates.filter(({ variance, df }) => variance > 0 && Number.isFinite(variance) && df > 0);
  if (varying.length < 3) return [...estimates];
  const { priorDf, priorVariance } = prior(varying);
  const allDf = varying.reduce((sum, { df }) => sum + df, 0);
  return estimates.map((estimate) => {
    const { variance, df } = estimate;
    if (!(variance > 0 && Number.isFinite(variance) && df > 0)) return estimate;
    const moderated =
      priorDf === Number.POSITIVE_INFINITY
        ? priorVariance
        : (priorDf * priorVariance + df * variance) / (priorDf + df);
    // No more is known than all estimates together tell.
    return { variance: moderated, df: Math.min(df + priorDf, allDf) };
  });
}

/** The moments of ln s² give the scaled F distribution that the variances come from (Smyth 2004, section 6.2). */
function prior(estimates: readonly VarianceEstimate[]): { priorDf: number; priorVariance: number } {
  const logs = estimates.map(({ variance, df }) => Math.log(variance) - digamma(df / 2) + Math.log(df / 2));
  const centre = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const scatter = logs.reduce((sum, log) => sum + (log - centre) ** 2, 0) / (logs.length - 1);
  const chance = estimates.reduce((sum, { df }) => sum + trigamma(df / 2), 0) / estimates.length;
  const beyond = scatter - chance;
  if (beyond <= 0) return { priorDf: Number.POSITIVE_INFINITY, priorVariance: Math.exp(centre) };
  const half = trigammaInverse(beyond);
  return { priorDf: 2 * half, priorVariance: Math.exp(centre + digamma(half) - Math.log(half)) };
}

/** ψ(x), the derivative of ln Γ, for x > 0: recurrence up to 12, then the asymptotic series (DLMF 5.11.2). */
export function digamma(x: number): number {
  let value = 0;
  let at = x;
  for (; at < 12; at++) value -= 1 / at;
  const r = 1 / (at * at);
  const series =
    r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - (r * 691) / 32_760)))));
  return value + Math.log(at) - 0.5 / at - series;
}

/** ψ′(x), for x > 0 (DLMF 5.15.8). */
export function trigamma(x: number): number {
  let value = 0;
  let at = x;
  for (; at < 12; at++) value += 1 / (at * at);
  const r = 1 / (at * at);
  const series = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66 - (r * 691) / 2730)))));
  return value + 1 / at + r / 2 + series / at;
}

/** The x with ψ′(x) = y, for y > 0: ψ′ falls steadily, so bisection on a logarithmic scale finds it. */
function trigammaInverse(y: number): number {
  let low = 1e-8;
  let high = 1e8;
  if (y >= trigamma(low)) return low;
  if (y <= trigamma(high)) return high;
  for (let i = 0; i < 200; i++) {
    const middle = Math.sqrt(low * high);
    if (trigamma(middle) > y) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}
