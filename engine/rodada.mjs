#!/usr/bin/env node
// The command: makes Node read TypeScript, then hands over to the CLI.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('./cli.ts');
await main(process.argv);
