/** The adapters by their kind. */
import type { Adapter, AdapterKind } from '@writ/contracts';
import type { InProcessAdapter, ProgramAdapter, ProgramCommand } from './adapter';
import { echo } from './echo';
import { program } from './program';
import { shell } from './shell';

const adapters: { readonly [K in AdapterKind]: InProcessAdapter<K> | ProgramAdapter<K> } = {
  echo,
  program,
  shell,
};

/** The adapter of a step, as far as a caller has to know it. */
export function adapterOf<K extends AdapterKind>(
  adapter: Extract<Adapter, { kind: K }>,
): InProcessAdapter<K> | ProgramAdapter<K> {
  return adapters[adapter.kind as K] as InProcessAdapter<K> | ProgramAdapter<K>;
}

/** The program that a step runs; undefined when it is answered in this process. */
export function commandOf(adapter: Adapter): ProgramCommand | undefined {
  const found = adapterOf(adapter);
  return found.inProcess ? undefined : found.command(adapter as never);
}
