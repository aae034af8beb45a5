/** Stops what `up` started: by asking its supervisor, or, when that is gone, one by one. */
import { isSameProcessAlive } from '@writ/embedded-servers';

import { CliError } from '../cli-error';
import { endLeftovers, readNote } from '../local/claim-home';
import { removeFile } from '../local/keep-json';
import { endProcess } from '../local/end-process';
import { stackHome, writHome } from '../local/stack-home';
import { Output } from '../output';
import type { CommonOptions } from '../program';

/** The supervisor gives its services 30 s, then NATS and PostgreSQL their time. */
const PATIENCE_MS = 70_000;

export async function down(options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const home = stackHome(writHome());
  const note = readNote(home);
  const wasRunning = note !== undefined && isSameProcessAlive(note.supervisor);
  if (note !== undefined) {
    const ended = await endProcess(note.supervisor, [
      { signal: 'SIGTERM', waitMs: PATIENCE_MS },
      { signal: 'SIGKILL', waitMs: 2_000 },
    ]);
    if (!ended) {
      const { pid } = note.supervisor;
      throw new CliError('stop_failed', `process ${pid} cannot be ended; try: kill -9 ${pid}`);
    }
    await endLeftovers(readNote(home) ?? note, (text) => output.talk(text));
  }
  removeFile(home.stackFile);
  removeFile(home.supervisorFile);
  if (output.json) output.value({ stopped: wasRunning });
  else output.talk(wasRunning ? 'stopped' : `nothing was running in ${home.path}`);
}
