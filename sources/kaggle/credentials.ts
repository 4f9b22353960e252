// Finds the user's Kaggle credentials, where Kaggle's own tools keep them.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../engine/stage.ts';

const Credentials = z.object({ username: z.string().min(1), key: z.string().min(1) });
export type KaggleCredentials = z.infer<typeof Credentials>;

const howToGet =
  'On kaggle.com open Settings › API › Create New Token, and put the kaggle.json that it gives you at';

/**
 * The credentials of KAGGLE_USERNAME and KAGGLE_KEY, else of `kaggle.json` in KAGGLE_CONFIG_DIR, else in `~/.kaggle`.
 *
 * @throws UserError that says what to do where there are none
 */
export async function kaggleCredentials(env: NodeJS.ProcessEnv = process.env): Promise<KaggleCredentials> {
  const { KAGGLE_USERNAME: username, KAGGLE_KEY: key } = env;
  if (username && key) return { username, key };
  if (username || key) {
    throw new UserError(
      `Of KAGGLE_USERNAME and KAGGLE_KEY only ${username ? 'the first' : 'the second'} is set: set both, or neither to use kaggle.json.`,
    );
  }
  const file = join(env.KAGGLE_CONFIG_DIR || join(env.HOME || homedir(), '.kaggle'), 'kaggle.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new UserError(
      `Kaggle wants credentials, and there are none. ${howToGet} ${file}, or set KAGGLE_USERNAME and KAGGLE_KEY.`,
    );
  }
  const parsed = Credentials.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new UserError(`${file} is not {"username": …, "key": …}, as Kaggle makes it. ${howToGet} ${file}.`);
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
