/** What a directive may spend and has spent: `show` has the same figures. */
import type { BudgetDocument, DirectiveDocument } from '@writ/contracts';

import { directivePath } from '../api-path';
import { Gateway } from '../gateway-client';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { budgetView } from '../view/budget-view';
import { styleFor } from '../view/style';

/** Of one that has no limit and has spent nothing. */
const nothing: BudgetDocument = {
  ...{ limitUsd: null, spentUsd: 0, reservedUsd: 0 },
  ...{ limitTokens: null, spentTokens: 0, reservedTokens: 0, attempts: [] },
};

export async function budget(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const directive = await Gateway.find().get<DirectiveDocument>(directivePath(id));
  const document = directive.budget ?? nothing;
  if (output.json) return output.value(document);
  output.data(budgetView(document, styleFor(usesColour(process.stdout))).join('\n'));
  if (directive.suspension?.kind !== 'budget') return;
  output.talk(`${directive.suspension.reason}; to go on: ${directive.suspension.wayOut}`);
}
