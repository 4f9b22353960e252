// Says each warning in words: what nothing uses, where it stands, and what to do about it.
import pc from 'picocolors';
import { fallbackShell } from '../config/shell.ts';
import type { SourcePosition } from '../failure.ts';
import type { Warning } from '../warning.ts';

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
    case 'no-bash':
      return `bash is not installed, so commands run in \`${fallbackShell}\`, which overlooks failures inside pipes. Install bash, or name a \`shell\` in pipeline.yaml.`;
    case 'glob-inside-out':
      return `\`${warning.pattern}\` leaves out the files inside \`${warning.out}\`, which a stage makes; to depend on them, name \`${warning.out}\`.`;
  }
}

const place = (position: SourcePosition | undefined): string =>
  position === undefined ? '' : `${pc.cyan(`${position.file}:${position.line}:${position.column}`)} `;
