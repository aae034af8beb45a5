import type { LimitChanges } from '@writ/contracts';

/** Options of `raise-limit`, with the limits that they name. */
export const limitOptions = [
  ['max-parallel-steps', 'maxParallelSteps'],
  ['max-rework-cycles', 'maxReworkCycles'],
  ['max-total-cost-usd', 'maxTotalCostUsd'],
  ['max-total-tokens', 'maxTotalTokens'],
  ['max-wall-time-minutes', 'maxWallTimeMinutes'],
  ['max-chain-regenerations', 'maxChainRegenerations'],
  ['max-failed-steps', 'maxFailedSteps'],
  ['max-provider-errors', 'maxProviderErrors'],
] as const satisfies readonly (readonly [string, keyof LimitChanges])[];
