// The peak memory of a process that a benchmark starts.

/**
 * A module for `--import` that prints the peak, in KiB, as the last line of stderr. On Linux `maxRSS` also counts the memory that
 * the process shared with the one that started it, so the kernel's own figure is read.
 */
export const printPeak = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  const peak = () => {
    try {
      return /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
    } catch {
      return process.resourceUsage().maxRSS;
    }
  };
  process.on('exit', () => console.error(peak()));
`)}`;
