// How the scripts here call npm: the one that called us, else the one on PATH.
import { basename } from 'node:path';

/** argv up to npm's own arguments. */
export function npmCommand() {
  const npm = process.env.npm_execpath || '';
  return basename(npm) === 'npm-cli.js' ? [process.execPath, npm] : ['npm'];
}

/** npm hands its own flags (a workspace, a dry run, a prefix) on to what it runs: not to ours. */
export function npmEnvironment() {
  const kept =
    /^npm_config_(registry|userconfig|globalconfig|cache|cafile|https?_proxy|proxy|noproxy)$/i;
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name)),
  );
}
