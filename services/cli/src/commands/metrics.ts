import type { DirectiveMetrics, RunMetrics } from '@writ/contracts';

import { directivePath, runPath } from '../api-path';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { metricsView } from '../view/metrics-view';

/** Of a run or a directive. */
export async function metrics(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const path = id.includes('-') ? runPath(id) : directivePath(id);
  const found = await Gateway.find().get<RunMetrics | DirectiveMetrics>(`${path}/metrics`);
  if (output.json) output.value(found);
  else output.data(metricsView(found).join('\n'));
}
