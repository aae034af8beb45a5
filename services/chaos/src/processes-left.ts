/** What outlived those it worked for, as `/proc` has it: known by environment, arguments and folder. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

interface Seen {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  readonly folder: string;
}

/** Programs of steps and checks of these directives. One line each. */
export function programsLeft(directives: ReadonlySet<string>): string[] {
  const marks = new Set([...directives].map((id) => `WRIT_DIRECTIVE=${id}`));
  return described(({ environment }) => environment.some((entry) => marks.has(entry)));
}

/** Services and servers of the stack in the folder. One line each. */
export function stackLeft(home: string): string[] {
  const postgres = join(home, 'postgres');
  const served = [postgres, join(home, 'nats.conf')];
  return described(
    ({ environment, argv, folder }) =>
      environment.includes(`WRIT_HOME=${home}`) ||
      argv.some((argument) => served.includes(argument)) ||
      folder === postgres, // the children of PostgreSQL show neither
  );
}

function described(matches: (seen: Seen) => boolean): string[] {
  return everyProcess()
    .filter((seen) => seen.pid !== process.pid && matches(seen))
    .map(({ pid, argv }) => `process ${pid} is left: ${argv.join(' ').slice(0, 200)}`);
}

function everyProcess(): Seen[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => {
    const words = (file: string) =>
      whatIs(() => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0'), []);
    return {
      pid: Number(pid),
      argv: words('cmdline'),
      environment: words('environ'),
      folder: whatIs(() => readlinkSync(`/proc/${pid}/cwd`), ''),
    };
  });
}

/** What cannot be read is another user's, or gone since. */
function whatIs<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
