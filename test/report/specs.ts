// What the tests of plots share: a check that a spec compiles without a warning, and runs to plot.

import { compile } from 'vega-lite';
import type { LoggerInterface } from 'vega-util';
import type { History } from '../../report/history.ts';
import type { PlotSpec } from '../../report/vega.ts';

/** What vega-lite complains of when it compiles a spec; throws if it is none. */
export function warningsOf(spec: PlotSpec): string[] {
  const warnings: string[] = [];
  const collect = (...messages: readonly unknown[]) => {
    warnings.push(messages.join(' '));
    return logger;
  };
  const logger = {
    level: () => logger,
    error: collect,
    warn: collect,
    info: () => logger,
    debug: () => logger,
  } as unknown as LoggerInterface; // level() is overloaded as getter and setter
  compile(spec, { logger });
  return warnings;
}

/** Plausible curves: validation accuracy peaks at `peak`. */
export function history(model: string, run: string, epochs: number, peak = epochs, seed = 20): History {
  return {
    model,
    run,
    seed,
    epochs: Array.from({ length: epochs }, (_, i) => {
      const distance = Math.abs(i + 1 - peak) / epochs;
      return {
        epoch: i + 1,
        loss: 1.4 / (i + 1),
        accuracy: 1 - 0.5 / (i + 1),
        valLoss: 0.7 + distance,
        valAccuracy: 0.75 - 0.3 * distance,
      };
    }),
  };
}

/** Names that break markup, expressions and narrow labels. */
export const awkwardNames = [
  '<a&b>',
  `it's "quoted"`,
  'heavy goods vehicle (semi-trailer)',
  'Zürich\\tram.[0]',
];
