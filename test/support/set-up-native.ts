// Sets native TensorFlow up before the study's tests, as a training does, so that they need not be skipped.
import { UserError } from '../../engine/stage.ts';
import { setUpNative } from '../../training/native/setup.ts';

export default async function setUp(): Promise<void> {
  const report = (line: string): void => console.error(line);
  const result = await setUpNative({ report, retry: true }).catch((error: unknown) => {
    if (error instanceof UserError) return { kind: 'failed' as const, reason: error.message };
    throw error;
  });
  if (result.kind === 'failed')
    report(`Native TensorFlow can't be set up: ${result.reason}. The tests that need it are skipped.`);
}
