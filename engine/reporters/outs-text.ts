// Says what the verbs that run nothing did: checkout, commit, freeze.
import pc from 'picocolors';
import type { Event } from '../event.ts';

/** One line: `✔ 3 outs checked out, 9 as they were`. */
export function checkoutText({
  checkedOut,
  kept,
  failures,
}: Omit<Extract<Event, { type: 'checkout' }>, 'type'>): string {
  const counts = [
    `${checkedOut} ${checkedOut === 1 ? 'out' : 'outs'} checked out`,
    `${kept} as they were`,
    ...(failures > 0 ? [pc.red(`${failures} left`)] : []),
  ];
  return `${failures > 0 ? pc.red('✖') : pc.green('✔')} ${counts.join(', ')}`;
}

/** One line: `✔ 2 stages accepted, 5 fresh`. */
export function commitText({ accepted, fresh, failures }: Extract<Event, { type: 'commit' }>): string {
  const counts = [
    `${accepted} ${accepted === 1 ? 'stage' : 'stages'} accepted`,
    `${fresh} fresh`,
    ...(failures > 0 ? [pc.red(`${failures} failed`)] : []),
  ];
  return `${failures > 0 ? pc.red('✖') : pc.green('✔')} ${counts.join(', ')}`;
}

/** One line: `✔ download is frozen`. */
export function frozenText({ stage, frozen, changed }: Extract<Event, { type: 'frozen' }>): string {
  const state = frozen ? 'is frozen' : 'is not frozen';
  return `${pc.green('✔')} ${stage} ${changed ? state : `${state}, as it was before`}`;
}
