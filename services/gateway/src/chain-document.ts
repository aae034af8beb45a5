/** The chain as it is drawn: each step one layer below the lowest that it waits for. */
import type { DirectiveDocument } from '@writ/contracts';
import { layout } from '@writ/domain';
import type { z } from 'zod';

import type { ChainDocument } from './http-documents';

const top = { layer: 0, position: { x: 0, y: 0 } };

export function chainDocument(directive: DirectiveDocument): z.infer<typeof ChainDocument> {
  const placed = layout(directive.steps);
  return {
    directiveId: directive.id,
    generation: directive.generation,
    steps: directive.steps.map((step) => ({ ...step, ...(placed.get(step.name) ?? top) })),
  };
}
