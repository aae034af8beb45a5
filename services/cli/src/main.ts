#!/usr/bin/env node
import { run } from './program';

// A reader that has enough (head, a pager that was left) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
// Talk that nobody hears any more is no reason to stop what is under way.
process.stderr.on('error', () => undefined);

void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
