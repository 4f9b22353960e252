// Says each warning in words: what nothing uses, where it stands, and what to do about it.
import pc from 'picocolors';
import { fallbackShell } from '../config/shell.ts';
import type { SourcePosition } from '../failure.ts';
import type { Warning } from '../warning.ts';
import { byteText } from './byte-text.ts';

/** One line: `params.yaml:4:3 warning: No stage uses the parameter …`. */
export function warningText(warning: Warning): string {
  return `${place('position' in warning ? warning.position : undefined)}${pc.yellow('warning:')} ${sentence(warning)}`;
}

function sentence(warning: Warning): string {
  switch (warning.what) {
    case 'unused-param':
      return `No stage uses the parameter \`${warning.name}\`.`;
    case 'unused-var':
      return `Nothing uses the var \`${warning.name}\`.`;
    case 'unused-dep':
      return `The command of \`${warning.stage}\` does not use its dependency \`${warning.name}\`.`;
    case 'unread':
      return `\`${warning.stage}\` names the ${warning.kind === 'dep' ? 'dependency' : 'parameter'} \`${warning.name}\`, but nothing in its code is called so; what it does not read needs not count.`;
    case 'unused-exclude':
      return `This leaves out no combination of the matrix of \`${warning.stage}\`.`;
    case 'no-code':
      return `\`${warning.stage}\` runs \`${shortened(warning.command)}\`, whose code is not found in the project. If it may change, name it under \`deps\`; otherwise an edit reruns nothing.`;
    case 'computed-import':
      return `\`${warning.file}\`, which \`${warning.stage}\` runs, imports modules whose names it computes. Name them under \`deps\`; otherwise an edit of them reruns nothing.`;
    case 'undeclared-write':
      return `\`${warning.path}\`, which \`${warning.stage}\` names, appeared while it ran and is none of its outs. If its command made it, declare it as an out and write to \`\${outs.…}\`, or write it outside of the project.`;
    case 'large-file':
      return `\`${warning.stage}\` names \`${warning.path}\` (${byteText(warning.size)}) in its command. Name it under \`deps\`, too, so that everybody sees that it is an input.`;
    case 'reads-params':
      return `\`${warning.stage}\` reads params.yaml itself${warning.by === 'cmd' ? '' : ` (\`${warning.by}\`)`}, so every change of that file reruns it. Name its parameters under \`params\`, and read them from the file that RODADA_STAGE names.`;
    case 'varying-in-git':
      return varyingText(warning.paths);
    case 'no-bash':
      return `bash is not installed, so commands run in \`${fallbackShell}\`, which overlooks failures inside pipes. Install bash, or name a \`shell\` in pipeline.yaml.`;
    case 'glob-inside-out':
      return `\`${warning.pattern}\` leaves out the files inside \`${warning.out}\`, which a stage makes; to depend on them, name \`${warning.out}\`.`;
  }
}

function varyingText([first, ...others]: readonly string[]): string {
  const [more, vary, them] =
    others.length === 0 ? ['', 'varies', 'it'] : [` and ${others.length} more`, 'vary', 'them'];
  return `\`${first}\`${more} ${vary} from run to run, but git does not ignore ${them}. Name ${them} in .gitignore; if git keeps ${them} already, \`git rm --cached\` ends that.`;
}

/** A command on one line that is not too long. */
const shortened = (command: string): string => {
  const line = command.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
};

const place = (position: SourcePosition | undefined): string =>
  position === undefined ? '' : `${pc.cyan(`${position.file}:${position.line}:${position.column}`)} `;
