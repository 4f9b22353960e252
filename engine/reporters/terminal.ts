// Reports to people: on a terminal with live progress below what is done, elsewhere (CI, a file) as plain lines.
import type { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Event, Summary } from '../event.ts';
import type { LockedFailure } from '../failure.ts';
import type { Progress } from '../stage.ts';
import { auditText } from './audit-text.ts';
import { dagText } from './dag-text.ts';
import { duration } from './duration.ts';
import { failureText } from './failure-text.ts';
import { forecastText, outlookText } from './forecast-text.ts';
import { adoptedText, cleanText, displacedText, leftoversText, movedOutText } from './leftover-text.ts';
import { checkoutText, commitText, frozenText } from './outs-text.ts';
import { pathText } from './path-text.ts';
import { progressText } from './progress-text.ts';
import { reasonsText } from './reason-text.ts';
import type { Reporter } from './reporter.ts';
import { runText } from './run-text.ts';
import { runningText } from './running-text.ts';
import { collectedRunText, collectedText, verifiedText } from './store-text.ts';
import { warningText } from './warning-text.ts';
import { whyText } from './why-text.ts';

/** Texts that only one verb needs: it brings them along, as they take long to load. */
export interface VerbTexts {
  readonly comparison?: (event: Extract<Event, { type: 'comparison' }>) => string;
  readonly check?: (event: Extract<Event, { type: 'check' }>) => string;
}

interface Running {
  readonly started: number;
  /** Since when it reports progress: start-up is not part of the rate. */
  reporting?: number;
  /** How much was done then. */
  before?: number;
  progress?: Progress;
  /** When a plain line was last printed. */
  printed: number;
}

/** Between two drawings of a live screen. */
const shortest = 50; // milliseconds

const theStore = 'cache/objects';

/** Between two plain progress lines of one stage. */
const plainInterval = 15_000; // milliseconds

export class TerminalReporter implements Reporter {
  readonly #live = process.stdout.isTTY === true && process.env.CI === undefined;
  /** Only for a live screen, and loaded only then: it takes longer to load than a run with nothing to do. */
  #update: ReturnType<typeof createLogUpdate> | undefined;
  #loading: Promise<void> | undefined;
  readonly #running = new Map<string, Running>();
  readonly #timer: NodeJS.Timeout | undefined;
  #drawn = 0;
  #stages = 0;
  #done = 0;

  readonly #texts: VerbTexts;

  constructor(texts: VerbTexts = {}) {
    this.#texts = texts;
    if (this.#live) this.#timer = setInterval(() => this.#draw(), 200).unref();
  }

  report(event: Event): void {
    const text = this.#take(event);
    if (text !== undefined) this.#print(text);
  }

  /** Notes what the event says, and gives the line that stays on the screen, if it deserves one. */
  #take(event: Event): string | undefined {
    switch (event.type) {
      case 'plan':
        this.#stages = event.stages;
        return undefined;
      case 'note':
        return `${pc.yellow('•')} ${event.message}`;
      case 'warning':
        return warningText(event.warning);
      case 'waiting':
        return `${pc.yellow('•')} Waiting for another run to end: pid ${event.pid} on ${event.host}, since ${event.since}.${silenceText(event.silence)}`;
      case 'running':
        return runningText(event);
      case 'hashing':
        return this.#hashing(event);
      case 'fresh': // the summary counts them; a line for each would bury what happened
      case 'skipped': // the failure names what it skips
        this.#done++;
        return undefined;
      case 'restored':
        this.#done++;
        return `${pc.blue('↺')} ${event.stage} ${pc.dim(`restored (${reasonsText(event.reasons)})`)}`;
      case 'started':
        this.#running.set(event.stage, { started: performance.now(), printed: performance.now() });
        return `${pc.cyan('▶')} ${event.stage} ${pc.dim(`(${reasonsText(event.reasons)}${resumesText(event)})`)}`;
      case 'progress':
        return this.#progress(event);
      case 'rerun':
        this.#running.delete(event.stage);
        return `${pc.yellow('•')} ${event.stage}: ${pathText(event.path)} changed while it ran; nothing was recorded, running it again`;
      case 'audit':
        return auditText(event);
      case 'executed':
        this.#done++;
        this.#running.delete(event.stage);
        return `${pc.green('✔')} ${event.stage} ${pc.dim(duration(event.seconds))}`;
      case 'failure':
        if ('skips' in event.failure) this.#running.delete(event.failure.stage);
        return failureText(event.failure);
      case 'forecast':
        return forecastText(event);
      case 'outlook':
        return outlookText(event);
      case 'why':
        return whyText(event);
      case 'comparison':
        return this.#texts.comparison?.(event);
      case 'check':
        return this.#texts.check?.(event);
      case 'accepted':
        return `${pc.green('✔')} ${event.stage} ${pc.dim('accepted')}`;
      case 'commit':
        return commitText(event);
      case 'frozen':
        return frozenText(event);
      case 'leftovers':
        return leftoversText(event);
      case 'moved-out':
        return movedOutText(event);
      case 'displaced':
        return displacedText(event);
      case 'adopted':
        return adoptedText(event);
      case 'clean':
        return cleanText(event);
      case 'gc-run':
        return collectedRunText(event);
      case 'gc':
        return collectedText(event);
      case 'verifying':
        return this.#verifying(event);
      case 'verified':
        this.#running.delete(theStore);
        return verifiedText(event);
      case 'checked-out':
        return `${pc.blue('↺')} ${pathText(event.path)} ${pc.dim(event.stage)}`;
      case 'checkout':
        return checkoutText(event);
      case 'dag':
        return dagText(event.nodes, event.format);
      case 'run':
        return runText(event);
      case 'stage-warning':
        return `${pc.yellow('warning:')} ${event.stage}: ${event.message.replaceAll('\n', '\n  ')}`;
      case 'output':
        return outputText(event);
      case 'summary':
        return summaryText(event);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#update?.clear();
  }

  /** A live screen is drawn by the timer; elsewhere a line now and then shows that something moves. */
  #progress({ type: _, stage, ...progress }: Extract<Event, { type: 'progress' }>): string | undefined {
    const running = this.#running.get(stage);
    if (running === undefined) return undefined;
    const now = performance.now();
    running.reporting ??= now;
    running.before ??= progress.done;
    running.progress = progress;
    if (this.#live || now - running.printed < plainInterval) return undefined;
    running.printed = now;
    return `  ${stage}: ${progressText(progress, (now - running.reporting) / 1000, running.before)}`;
  }

  /** The store is shown at work like a stage. */
  #verifying({ done, total }: Extract<Event, { type: 'verifying' }>): string | undefined {
    const now = performance.now();
    if (!this.#running.has(theStore)) this.#running.set(theStore, { started: now, printed: now });
    return this.#progress({ type: 'progress', stage: theStore, done, total, unit: 'bytes' });
  }

  /** Hashing is drawn as if it were a stage. */
  #hashing({ path, done, total }: Extract<Event, { type: 'hashing' }>): string | undefined {
    const stage = `hashing ${pathText(path)}`;
    const now = performance.now();
    if (!this.#running.has(stage)) this.#running.set(stage, { started: now, reporting: now, printed: now });
    if (done < total) return this.#progress({ type: 'progress', stage, done, total, unit: 'bytes' });
    this.#running.delete(stage);
    return undefined;
  }

  #print(text: string): void {
    this.#update?.clear();
    process.stdout.write(`${text}\n`);
    // A command may print faster than a screen is drawn; the timer draws what is left.
    if (this.#live && performance.now() - this.#drawn > shortest) this.#draw();
  }

  #draw(): void {
    this.#drawn = performance.now();
    if (this.#running.size === 0) {
      this.#update?.clear();
      return;
    }
    if (this.#loading === undefined)
      this.#loading = import('log-update').then(({ createLogUpdate: create }) => {
        this.#update = create(process.stdout);
      });
    const now = performance.now();
    const lines = [...this.#running].map(([stage, { started, reporting, before, progress }]) => {
      const state =
        progress === undefined
          ? duration((now - started) / 1000)
          : progressText(progress, (now - (reporting ?? now)) / 1000, before ?? 0);
      return `${pc.cyan('⠿')} ${stage} ${pc.dim(state)}`;
    });
    if (this.#stages > 0) lines.push(pc.dim(`  ${this.#done} of ${this.#stages} stages done`));
    this.#update?.(lines.join('\n'));
  }
}

/** Each line after the name of its stage. */
function outputText({ stage, text }: Extract<Event, { type: 'output' }>): string {
  const lines = text.replace(/\n$/, '');
  if (stage === undefined) return lines;
  const prefix = pc.dim(`${stage} │ `);
  return prefix + lines.replaceAll('\n', `\n${prefix}`);
}

/** What a run goes on from. */
const resumesText = ({ resumes, continues }: Extract<Event, { type: 'started' }>): string =>
  continues === true
    ? '; may go on where it was cut off'
    : resumes === undefined
      ? ''
      : `; goes on from ${resumes.by} ${resumes.value}`;

/** `No sign of life for 12 s; taking over after 45 s.` */
const silenceText = (silence: LockedFailure['silence']): string =>
  silence === undefined
    ? ''
    : ` No sign of life for ${duration(silence.seconds)}; taking over after ${duration(silence.limit)}.`;

/** One line: what was executed, restored, fresh; then what failed. */
function summaryText(summary: Summary): string {
  const { executed, restored, fresh, failed, skipped, incomplete, seconds } = summary;
  const counts = [
    executed.length > 0 ? pc.green(`${executed.length} executed`) : '0 executed',
    `${restored.length} restored`,
    `${fresh.length} fresh`,
    ...(failed.length > 0 ? [pc.red(`${failed.length} failed`)] : []),
    ...(skipped.length > 0 ? [pc.yellow(`${skipped.length} skipped`)] : []),
  ];
  const verdict = incomplete === true || failed.length + skipped.length > 0 ? pc.red('✖') : pc.green('✔');
  return `${verdict} ${counts.join(', ')} in ${duration(seconds)}`;
}
