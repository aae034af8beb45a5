/** The chain as it is drawn: each step one layer below the lowest that it waits for. */
import type { DirectiveDocument } from '@writ/contracts';
import type { z } from 'zod';

import type { ChainDocument } from './http-documents';

export function chainDocument(directive: DirectiveDocument): z.infer<typeof ChainDocument> {
  const layers = layersOf(directive.steps);
  return {
    directiveId: directive.id,
    generation: directive.generation,
    steps: directive.steps.map((step) => ({ ...step, layer: layers.get(step.name) ?? 0 })),
  };
}

/** The planner takes no chain with a cycle, so the layers settle; the bound is for a broken one. */
function layersOf(steps: DirectiveDocument['steps']): Map<string, number> {
  const layers = new Map(steps.map((step) => [step.name, 0]));
  for (let round = 0, settled = false; !settled && round <= steps.length; round += 1) {
    settled = true;
    for (const { name, dependsOn } of steps) {
      const layer = Math.max(0, ...dependsOn.map((it) => (layers.get(it) ?? -1) + 1));
      if (layer > (layers.get(name) ?? 0)) {
        layers.set(name, layer);
        settled = false;
      }
    }
  }
  return layers;
}
