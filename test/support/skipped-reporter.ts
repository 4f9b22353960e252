// Says at the end which tests were skipped. Their names, or those of the groups around them, say what they need.
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  /** Which tests were asked for by name; all if undefined. */
  #asked: RegExp | undefined;

  onInit(vitest: Vitest): void {
    this.#asked = vitest.config.testNamePattern;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const groups = new Map<string, number>();
    for (const module of modules)
      for (const test of module.children.allTests('skipped')) {
        if (this.#asked?.test(test.fullName.replaceAll(' > ', ' ')) === false) continue;
        const group = `${module.relativeModuleId} › ${reasonOf(test)}`;
        groups.set(group, (groups.get(group) ?? 0) + 1);
      }
    if (groups.size === 0) return;
    const lines = [...groups].map(([group, count]) => `  ${count} × ${group}`);
    console.log(`Skipped:\n${lines.join('\n')}\n`);
  }
}

/** What the test says when it skips itself; else the outermost group that is skipped whole, or the test's own name. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note !== undefined) return `${test.fullName}: ${result.note}`;
  let name = test.name;
  for (let { parent } = test; parent.type === 'suite'; { parent } = parent)
    if (parent.options.mode === 'skip') name = parent.name;
  return name;
}
