#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';

// Not process.exit: what stands in the pipes must still get out.
process.exitCode = await runCommandLine(process.argv.slice(2));
