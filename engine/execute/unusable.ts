// Says why what a command left is not kept.
import type { Instance } from '../plan/instance.ts';
import { UnreadableName } from '../store/file-names.ts';
import type { Uncollected } from './publish.ts';
import type { Scratch } from './scratch.ts';

const texts: Record<Uncollected['state'], (what: Uncollected) => string> = {
  missing: ({ out }) =>
    `Its command succeeded but did not make the out \`${out}\`. It must write to \`\${outs.${out}}\`; the engine puts that into its place.`,
  link: ({ out }) =>
    `Its command made the out \`${out}\` as a symbolic link; an out must be a file or a directory itself.`,
  special: ({ out }) => `Its command made the out \`${out}\`, but neither as a file nor as a directory.`,
  'scratch-link': ({ out, link }) =>
    `Its command made the link \`${link}\` in the out \`${out}\`, which leads into a folder that is deleted when the run ends. Copy the file instead, or let the link lead to something inside the out.`,
};

/** Why what a command left can't be an output. */
export const uncollectedText = (what: Uncollected): string => texts[what.state](what);

export const changedAgain = (path: string): string =>
  `\`${path}\` changed while it ran; nothing was recorded. Run it again when nobody writes to it. If its own command writes to it, make it an output.`;

export const changedPlan = (path: string): string =>
  `\`${path}\`, which its code reads, changed after the plan was made; nothing was recorded. Run it again.`;

export const keepsChanging = (path: string): string =>
  `\`${path}\` keeps changing. Run it again when nobody writes to it.`;

/** Passes on every error but that of a name. */
export function asUnreadableName(error: Error): UnreadableName {
  if (error instanceof UnreadableName) return error;
  throw error;
}

/** What a command made under a name that can't be kept, named by where it was to go. */
export function unreadableText({ what }: UnreadableName, { outs }: Instance, scratch: Scratch): string {
  const placed = outs.reduce((text, { name, path }) => text.replaceAll(scratch.outs[name]!, path), what);
  return `Its command made an output that can't be kept: ${placed}. It must write names in UTF-8.`;
}
