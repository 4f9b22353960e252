// Plans the project that it is given once, in a fresh process, and prints the seconds.
import { makePlan } from '../engine/plan/plan.ts';

const started = performance.now();
const plan = await makePlan(process.argv[2]!, { profile: undefined, set: undefined });
if (!plan.ok) throw new Error(JSON.stringify(plan.failures));
console.log((performance.now() - started) / 1000);
