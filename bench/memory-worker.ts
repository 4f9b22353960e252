// Runs a stage, whose inputs RODADA_STAGE names, and says how much memory it has had resident at most, in GiB.

const [script = ''] = process.argv.slice(2);
await import(script);
if (process.exitCode !== undefined) throw new Error(`${script} failed.`);
// In KiB, as VmHWM where there is a /proc; what the system caches of files that are read is not part of it.
process.stdout.write(`${JSON.stringify({ value: process.resourceUsage().maxRSS / 2 ** 20 })}\n`);
