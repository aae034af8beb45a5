import { findExecutable } from './find-executable';

type Installable = 'postgresql' | 'nats-server';

const COMMANDS: Array<{ tool: string; command: (what: Installable) => string }> = [
  { tool: 'apt-get', command: (what) => `sudo apt-get install -y ${what}` },
  {
    tool: 'dnf',
    command: (what) => `sudo dnf install -y ${what === 'postgresql' ? 'postgresql-server' : what}`,
  },
  { tool: 'apk', command: (what) => `sudo apk add ${what}` },
  { tool: 'brew', command: (what) => `brew install ${what}` },
];

/** The command that installs the server on this system, as a phrase for an error message. */
export function describeInstall(what: Installable): string {
  const found = COMMANDS.find(({ tool }) => findExecutable(tool, ['/opt/homebrew/bin']));
  if (found) return `install it with \`${found.command(what)}\``;
  const site =
    what === 'postgresql' ? 'https://www.postgresql.org/download/' : 'https://nats.io/download/';
  return `install it from ${site}`;
}
