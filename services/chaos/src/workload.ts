/** Directives whose steps bear witness: diamonds of programs, some of which may run only once. */
import type { DirectiveFileInput } from '@writ/contracts';
import type { SeededRandom } from '@writ/testing';
import { witnessedScript } from './witness';

/** The step that may run only once, where there is one. */
export const onceStep = 'once';

/** The step that outlives a lease, where there is one. */
export const longStep = 'long';

export interface Wanted {
  readonly number: number;
  /** The folder that the steps work in. */
  readonly workFolder: string;
  /** With a step that is not idempotent: a crash in the middle of it fails the directive. */
  readonly once?: boolean;
  /** With a step that works for so many tenths of a second: longer than a lease, say. */
  readonly longTenths?: number;
}

export function makeDirective(
  random: SeededRandom,
  { number, workFolder, once = false, longTenths }: Wanted,
): DirectiveFileInput {
  const step = (name: string, dependsOn: string[], more: object = {}) => ({
    name,
    dependsOn,
    adapter: { kind: 'shell' as const, script: witnessedScript(random.int(1, 4)) },
    idempotent: true,
    cache: false,
    ...more,
  });
  const long = { kind: 'shell' as const, script: witnessedScript(longTenths ?? 0) };
  const verify = [{ kind: 'files' as const, paths: ['marker.txt'], nonEmpty: true }];
  const steps = [
    step('a', []),
    step('b', ['a'], { verify }),
    step('c', ['a'], { adapter: { kind: 'echo' as const, output: number } }),
    step('d', ['b', 'c']),
    ...(once ? [step(onceStep, ['a'], { idempotent: false })] : []),
    ...(longTenths === undefined ? [] : [step(longStep, ['a'], { adapter: long })]),
  ];
  return {
    title: `chaos ${number}`,
    goal: 'come to an end, once',
    workspace: { kind: 'directory', path: workFolder },
    chain: { steps },
  };
}

/** Of the steps above, those that leave no trace in the witness. */
export const silentSteps: readonly string[] = ['c'];
