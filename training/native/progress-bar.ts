// One line of progress on stderr: a bar that redraws itself on a terminal, a plain line at each quarter elsewhere.
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';

/** Shows how far a long step is. */
export interface ProgressBar {
  /** @param done units so far, in 0 … total */
  update(done: number): void;
  /** Ends the line. */
  end(): void;
}

const width = 20; // so that the line, with its rate, fits 80 columns
const interval = 80; // milliseconds between two drawings: smooth, and no load on the terminal

/**
 * @param title what goes on: `Downloading TensorFlow 2.15.1`
 * @param total bytes in all
 * @param report takes the plain lines where stderr is no terminal
 */
export function progressBar(title: string, total: number, report: (line: string) => void): ProgressBar {
  return process.stderr.isTTY ? drawnBar(title, total) : plainLines(title, total, report);
}

/** A bar for one part of what another shows: its progress counts from `before` on, and its end is not the other's. */
export function partOf(bar: ProgressBar, before: number): ProgressBar {
  return { update: (done) => bar.update(before + done), end() {} };
}

function drawnBar(title: string, total: number): ProgressBar {
  const started = performance.now();
  let drawn = Number.NEGATIVE_INFINITY;
  const draw = (done: number): void => {
    const share = Math.min(1, done / total);
    const filled = Math.round(share * width);
    const seconds = (performance.now() - started) / 1000;
    const rate = seconds > 0.5 ? `, ${megabytes(done / seconds)}/s` : '';
    const bar = pc.cyan('━'.repeat(filled)) + pc.dim('━'.repeat(width - filled));
    const line = `${title} ${bar} ${megabytes(done)} of ${megabytes(total)}${rate}`;
    const columns = process.stderr.columns || 80;
    const shown =
      stripVTControlCharacters(line).length < columns ? line : `${title} ${Math.round(share * 100)} %`;
    process.stderr.write(`\r\x1b[2K${shown}`);
  };
  return {
    update(done) {
      if (performance.now() - drawn < interval) return;
      drawn = performance.now();
      draw(done);
    },
    end() {
      process.stderr.write('\r\x1b[2K');
    },
  };
}

function plainLines(title: string, total: number, report: (line: string) => void): ProgressBar {
  let quarters = 0;
  report(`${title} (${megabytes(total)})`);
  return {
    update(done) {
      const reached = Math.floor((done / total) * 4);
      if (reached <= quarters || reached >= 4) return;
      quarters = reached;
      report(`${title}: ${quarters * 25} %`);
    },
    end() {},
  };
}

/** `207 MB`, `0.2 MB`: decimal, as package indexes count. */
export function megabytes(bytes: number): string {
  return `${bytes < 10e6 ? (bytes / 1e6).toFixed(1) : Math.round(bytes / 1e6)} MB`;
}
