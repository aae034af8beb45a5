/** The programs of checks on the simulated machine: they take their time and end as their argv says. */
import { pause } from '@writ/contracts';
import { CheckCutOff, ProgramNotStarted } from '@writ/verifier';
import type { RunProgram } from '@writ/verifier';
import { checkIn } from './scripts';
import type { SimulatedProcess } from './simulated-process';
import type { SimulatedWarden } from './simulated-warden';

export const simulatedChecks =
  ({ clock }: SimulatedProcess, warden: SimulatedWarden): RunProgram =>
  async ({ argv, timeoutMs, signal }) => {
    const script = checkIn(argv);
    const began = clock.now();
    if (script.end === 'broken') throw new ProgramNotStarted('there is no such program');
    const timedOut = script.end === 'hang' || script.ms >= timeoutMs;
    await pause(clock, timedOut ? timeoutMs : script.ms, signal);
    if (warden.mayHaveStruck(began)) throw new CheckCutOff('this process stood still');
    const exitCode = timedOut ? null : script.end === 'passed' ? 0 : 1;
    const ended = timedOut ? 'SIGKILL' : null;
    return { exitCode, signal: ended, timedOut, output: `${script.id}\n`, sandbox: 'S2' };
  };
