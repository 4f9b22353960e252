// The values between the lines of pipeline.lock, also if a merge left conflict markers in it.

/** What stands between two lines with a single brace. */
export interface Found {
  /** Its first line. */
  readonly start: number;
  /** undefined if it can't be read. */
  readonly value: unknown;
  readonly inConflict: boolean;
}

/** @param onConflict gets the lines with which conflicts, or the values that they are in, begin */
export function* valuesOf(
  text: string,
  onConflict: (line: number) => void = () => undefined,
): Generator<Found> {
  let inConflict = false;
  let start = 0; // line of the value that is open; 0 between values
  let lines: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('<<<<<<<')) {
      inConflict = true;
      onConflict(start || i + 1);
    }
    if (line === '{') {
      lines = [];
      start = i + 1;
    }
    lines.push(line);
    if (line === '}') {
      yield { start, value: parsed(lines.join('\n')), inConflict };
      if (!inConflict) start = 0;
    }
    if (line.startsWith('>>>>>>>')) inConflict = false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const hasConflicts = (text: string): boolean => /^<<<<<<</m.test(text);

/** The text as each side of its conflicts has it. */
export function sidesOf(text: string): string[] {
  return (['ours', 'theirs'] as const).map((side) => {
    const lines: string[] = [];
    let within: 'both' | 'ours' | 'base' | 'theirs' = 'both';
    for (const line of text.split('\n')) {
      if (line.startsWith('<<<<<<<')) within = 'ours';
      else if (line.startsWith('|||||||')) within = 'base';
      else if (line.startsWith('=======')) within = 'theirs';
      else if (line.startsWith('>>>>>>>')) within = 'both';
      else if (within === 'both' || within === side) lines.push(line);
    }
    return lines.join('\n');
  });
}
