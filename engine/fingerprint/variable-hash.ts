// Hashes values of environment variables, which may be secrets, for fingerprints that are committed and kept.
import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';

const hash = promisify<string, string, number, { N: number }, Buffer>(scrypt);

/** About 50 ms and 16 MB for each guess. */
const cost = 2 ** 14;

/**
 * The hash of a variable's value, keyed by its name: scrypt, in hexadecimal.
 *
 * Everybody who works on a project must get the same hash, or they could not share results. So no secret key is in it, and whoever
 * has pipeline.lock can try values: scrypt makes that slow, and the name makes tables for other variables useless.
 */
export async function variableHash(name: string, value: string): Promise<string> {
  return (await hash(value, `rodada environment variable ${name}`, 32, { N: cost })).toString('hex');
}
