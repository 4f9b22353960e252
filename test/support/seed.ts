// One seed for everything that a test draws at random, printed so that RODADA_SEED repeats it.
const given = process.env.RODADA_SEED;

/** A 32-bit integer: RODADA_SEED, or a random one. */
export const seed: number = given === undefined ? (Math.random() * 2 ** 32) | 0 : Number(given);
if (!Number.isInteger(seed)) throw new Error(`RODADA_SEED is ${given}; it must be an integer.`);

/** What to type to draw the same again. */
export const repeat = `RODADA_SEED=${seed}`;
