/** The adapters by their kind. */
import type { Adapter, AdapterKind } from '@writ/contracts';
import type { InProcessAdapter, OutsideAdapter, ProgramAdapter, ProgramCommand } from './adapter';
import { echo } from './echo';
import { program } from './program';
import { shell } from './shell';

type AnyAdapter<K extends AdapterKind> = InProcessAdapter<K> | ProgramAdapter<K> | OutsideAdapter;

/** People are asked by the planner. */
type Executed = Exclude<AdapterKind, 'human'>;

const adapters: { readonly [K in Executed]: AnyAdapter<K> } = {
  echo,
  program,
  shell,
  http: { version: '1', inProcess: false },
  worker: { version: '1', inProcess: false },
};

/** The adapter of a step, as far as a caller has to know it. */
export function adapterOf<K extends AdapterKind>(
  adapter: Extract<Adapter, { kind: K }>,
): AnyAdapter<K> {
  return adapters[adapter.kind as Executed] as unknown as AnyAdapter<K>;
}

/** The program that a step runs; undefined when it runs none. */
export function commandOf(adapter: Adapter): ProgramCommand | undefined {
  const found = adapterOf(adapter);
  return found.inProcess ? undefined : found.command?.(adapter as never);
}

export const isAnsweredHere = (adapter: Adapter): boolean => adapterOf(adapter).inProcess;
