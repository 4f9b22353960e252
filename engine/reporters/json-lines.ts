// Reports each event as a line of JSON on stdout, for programs; the last is the summary.
import type { Event } from '../event.ts';
import type { Reporter } from './reporter.ts';

export class JsonLinesReporter implements Reporter {
  report(event: Event): void {
    process.stdout.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {}
}
