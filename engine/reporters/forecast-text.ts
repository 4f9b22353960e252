// Says what would become of each stage: the text of `repro --dry` and `status`.
import pc from 'picocolors';
import type { Failure } from '../failure.ts';
import type { Forecast, Outlook } from '../inspect/forecast.ts';
import { unownedText } from './failure-text.ts';
import { reasonsText } from './reason-text.ts';

/** One line for a stage; undefined for one that stays as it is, which the last line counts. */
export function forecastText({ stage, action, reasons, failure }: Forecast): string | undefined {
  switch (action) {
    case 'fresh':
      return undefined;
    case 'run':
      return `${pc.cyan('▶')} ${stage} would run ${pc.dim(`(${reasonsText(reasons)})`)}`;
    case 'restore':
      return `${pc.blue('↺')} ${stage} would be restored ${pc.dim(`(${reasonsText(reasons)})`)}`;
    case 'may-run':
      return `${pc.yellow('?')} ${stage} may run, its inputs are not known yet ${pc.dim(`(${reasonsText(reasons)})`)}`;
    case 'blocked': {
      const cause = failure === undefined ? `(${reasonsText(reasons)})` : blockText(failure);
      return `${pc.red('✖')} ${stage} can't run: ${cause}`;
    }
  }
}

function blockText(failure: Failure): string {
  if (failure.reason === 'unowned') return `${unownedText(failure)}.`;
  return 'message' in failure ? failure.message : '';
}

/** One line: how many would run, be restored, may run, and stay. */
export function outlookText({ run, restore, mayRun, blocked, fresh, leftovers }: Outlook): string {
  const counts = [
    ...(run.length > 0 ? [`${run.length} would run`] : []),
    ...(restore.length > 0 ? [`${restore.length} would be restored`] : []),
    ...(mayRun.length > 0 ? [`${mayRun.length} may run`] : []),
    ...(blocked.length > 0 ? [pc.red(`${blocked.length} can't run`)] : []),
    ...(leftovers !== undefined ? [`${leftovers.length} left over`] : []),
  ];
  if (counts.length === 0)
    return `${pc.green('✔')} Nothing to do: ${fresh.length === 1 ? 'the stage is' : `all ${fresh.length} stages are`} fresh`;
  return [...counts, `${fresh.length} fresh`].join(', ');
}
