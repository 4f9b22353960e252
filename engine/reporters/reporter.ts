// What every reporter is: it takes events, and is closed at the end.
import type { Event } from '../event.ts';

export interface Reporter {
  report(event: Event): void;
  close(): void;
}
