/**
 * What the warden runs. It is started by its source text (`node -e`), so it stands on its own: it
 * uses nothing from outside its braces. What it does, and why, is in `warden.ts`.
 */

interface Told {
  watch?: { pid: number; startedAt: string };
  forget?: number;
  beat?: { leftMs?: number };
}

/* istanbul ignore next: counters would refer to what is outside */
export function wardenProgram(limitMs: number): void {
  const fs = process.getBuiltinModule('node:fs');
  const known = new Map<number, string>();
  let lastBeat = performance.now();
  /** What the last heartbeat said: nothing that runs is the owner's for longer. */
  let until = Number.POSITIVE_INFINITY;
  let rest = '';

  const fieldsOf = (pid: number | string): string[] => {
    try {
      const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
      return text.slice(text.lastIndexOf(')') + 2).split(' ');
    } catch {
      return [];
    }
  };
  const kill = (pid: number): void => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone already
    }
  };
  const family = (roots: number[]): number[] => {
    const found = new Set(roots);
    try {
      const rows = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      const parents = rows.map((pid) => [Number(pid), Number(fieldsOf(pid)[1])] as const);
      for (let size = -1; size !== found.size;) {
        size = found.size;
        for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
      }
    } catch {
      // no /proc here: the groups have to do
    }
    return [...found];
  };
  const strike = (): void => {
    const roots = [...known]
      .filter(([pid, startedAt]) => {
        const now = fieldsOf(pid)[19];
        return now === undefined ? process.platform !== 'linux' : now === startedAt;
      })
      .map(([pid]) => pid);
    known.clear();
    if (roots.length === 0) return;
    const members = family(roots);
    for (const pid of roots) kill(-pid);
    for (const pid of members) kill(pid);
  };

  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text: string) => {
    lastBeat = performance.now();
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Told;
      if (message.watch) known.set(message.watch.pid, message.watch.startedAt);
      if (message.forget !== undefined) known.delete(message.forget);
      if (message.beat) until = lastBeat + (message.beat.leftMs ?? Number.POSITIVE_INFINITY);
    }
  });
  const end = (): void => {
    strike();
    process.exit(0);
  };
  process.stdin.on('end', end);
  process.stdin.on('error', end);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
  setInterval(() => {
    const now = performance.now();
    if (now - lastBeat > limitMs || now > until) strike();
  }, 250);
}
