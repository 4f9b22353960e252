// Derives the seed of one layer from the study's one seed, so that layers differ and an added layer changes no other.

/**
 * Seed of a layer's initializer or dropout: a 31-bit hash (FNV-1a, finished as MurmurHash3 does) of the seed and the name.
 *
 * Never 0: TensorFlow.js takes a normal initializer's seed of 0 as "no seed" and draws from `Math.random`.
 *
 * @param seed the study's seed
 * @param name what the seed is for, unique within the model: `block1_conv1/kernel`
 */
export function layerSeed(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${seed}/${name}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 1;
  return hash === 0 ? 1 : hash;
}
