// Says at length why a stage is not fresh: the text of `why`.
import pc from 'picocolors';
import type { Explanation, FileChanges } from '../inspect/why.ts';
import { duration } from './duration.ts';
import { unownedText } from './failure-text.ts';
import { pathText } from './path-text.ts';
import { reasonText } from './reason-text.ts';

/** A heading, then a line for each reason. */
export function whyText({ stage, action, reasons, failure, files, lastRun }: Explanation): string {
  const ran =
    lastRun === null
      ? ''
      : lastRun.accepted === true
        ? `, outs accepted ${lastRun.ended}`
        : `, last run ${lastRun.ended} (${duration(lastRun.seconds)})`;
  if (action === 'fresh')
    return `${pc.green('✔')} ${pc.bold(stage)} is fresh: its inputs and outs are what pipeline.lock says${ran}`;
  const lines = reasons.map((reason) => {
    const path = 'path' in reason ? reason.path : undefined;
    return [`  ${reasonText(reason)}`, ...files.filter((each) => each.path === path).map(filesText)].join(
      '\n',
    );
  });
  if (failure !== undefined && 'message' in failure) lines.push(`  ${failure.message}`);
  if (failure?.reason === 'unowned') lines.push(`  ${unownedText(failure)}.`);
  return [`${pc.bold(stage)} ${headings[action]}${ran}:`, ...lines].join('\n');
}

const headings = {
  run: 'would run',
  restore: 'would be restored from an earlier run',
  'may-run': 'may run, its inputs are not known yet',
  blocked: "can't run",
};

const shownFiles = 5;

/** The first few files of each kind of change. */
function filesText({ added, removed, changed }: FileChanges): string {
  const parts = [
    ...changed.map((file) => `~ ${file}`),
    ...added.map((file) => `+ ${file}`),
    ...removed.map((file) => `- ${file}`),
  ];
  const shown = parts.slice(0, shownFiles).map((part) => `    ${pc.dim(pathText(part))}`);
  if (parts.length > shownFiles) shown.push(`    ${pc.dim(`and ${parts.length - shownFiles} more files`)}`);
  return shown.join('\n');
}
