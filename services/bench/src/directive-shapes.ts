/**
 * The directives that are measured: echo steps without checks. Their outputs differ from directive to
 * directive, so that no step is taken from the cache, unless the same `nonce` is given again.
 */
import { randomUUID } from 'node:crypto';
import type { DirectiveFileInput } from '@writ/contracts';

export type Step = NonNullable<DirectiveFileInput['chain']>['steps'][number];

export function echoStep(name: string, dependsOn: string[], output: unknown): Step {
  return {
    name,
    dependsOn,
    adapter: { kind: 'echo', output },
    idempotent: true,
    verify: 'none',
  };
}

export function directiveOf(
  steps: Step[],
  more: Partial<DirectiveFileInput> = {},
): DirectiveFileInput {
  return { title: 'bench', goal: 'measure', chain: { steps }, ...more };
}

/** So many steps, one after the other. */
export function chainOf(steps: number, nonce: string = randomUUID()): DirectiveFileInput {
  return directiveOf(
    Array.from({ length: steps }, (_, at) =>
      echoStep(`step-${at}`, at === 0 ? [] : [`step-${at - 1}`], { nonce, at }),
    ),
  );
}

/** Makes the text of a new one each time, without making it anew: for those who send very many. */
export function chainTexts(steps: number): () => string {
  const mark = randomUUID();
  const text = JSON.stringify({ directive: chainOf(steps, mark) });
  return () => text.replaceAll(mark, randomUUID());
}

/** So many steps side by side, all at once, and one that waits for them all. */
export function fanOutOf(steps: number, nonce: string = randomUUID()): DirectiveFileInput {
  const side = Array.from({ length: steps }, (_, at) => echoStep(`side-${at}`, [], { nonce, at }));
  const join = echoStep(
    'join',
    side.map(({ name }) => name),
    { nonce },
  );
  return directiveOf([...side, join], { limits: { maxParallelSteps: steps } });
}
