// `rodada verify`: reads the whole store again and quarantines what is damaged.
import { Command } from 'commander';
import { verifyStore } from '../gc/verify.ts';
import { typed } from '../invocation.ts';
import { storeAt } from '../store/configured-store.ts';
import { examples, type OutputFlags, session } from './session.ts';

export function verifyCommand(): Command {
  return new Command('verify')
    .description('read the whole store again, check every hash, and move what is damaged to cache/quarantine')
    .option('--json', 'print JSON lines; the last is {"type":"verified","objects":n,"bytes":n,"damaged":[…]}')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('verify'), 'after a crash of the machine, or of a disk'],
        [`${typed('verify --json', { quiet: true })} | tail -n 1`, ''],
      ])}

A run may go on meanwhile. Exit code: 0 where every object is what its name says; 1 where one was not.`,
    )
    .action((flags: OutputFlags) =>
      session(flags, async ({ root, emit }) =>
        (await verifyStore(root, storeAt(root), emit)) === 0 ? 0 : 1,
      ),
    );
}
