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
  /** Each program works for a tenth of a second only, where many are wanted. */
  readonly quick?: boolean;
  /** With a step that works for so many tenths of a second: longer than a lease, say. */
  readonly longTenths?: number;
}

export const stepOf = (name: string, dependsOn: readonly string[], script: string) => ({
  name,
  dependsOn: [...dependsOn],
  adapter: { kind: 'shell' as const, script },
  idempotent: true,
  cache: false,
});

export function makeDirective(
  random: SeededRandom,
  { number, workFolder, once = false, quick = false, longTenths }: Wanted,
): DirectiveFileInput {
  const step = (name: string, ...dependsOn: string[]) =>
    stepOf(name, dependsOn, witnessedScript(random.int(1, quick ? 1 : 4)));
  const verify = [{ kind: 'files' as const, paths: ['marker.txt'], nonEmpty: true }];
  const long = stepOf(longStep, ['a'], witnessedScript(longTenths ?? 0));
  const steps = [
    step('a'),
    { ...step('b', 'a'), verify },
    { ...step('c', 'a'), adapter: { kind: 'echo' as const, output: number } },
    step('d', 'b', 'c'),
    ...(once ? [{ ...step(onceStep, 'a'), idempotent: false }] : []),
    ...(longTenths === undefined ? [] : [long]),
  ];
  return {
    title: `chaos ${number}`,
    goal: 'come to an end, once',
    autonomy: 'full_auto',
    workspace: { kind: 'directory', path: workFolder },
    chain: { steps },
  };
}

/** Of all steps here, those that leave no trace in the witness. */
export const silentSteps: readonly string[] = ['c'];
