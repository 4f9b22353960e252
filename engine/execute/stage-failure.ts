// A failure of an instance for which no command ran, or of which only the message is known so far.
import type { Failure } from '../failure.ts';
import type { Instance } from '../plan/instance.ts';

export function stageFailure(instance: Instance, message: string): Extract<Failure, { reason: 'stage' }> {
  return { reason: 'stage', stage: instance.name, message, exitCode: null, tail: [], log: null, skips: [] };
}
