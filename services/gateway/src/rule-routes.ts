/** What there is over HTTP about rules: made, listed, shown, promoted, revoked. */
import {
  RuleDocument,
  RuleFile,
  RuleName,
  RuleStatus,
  RuleSummary,
  ruleCommands,
  ruleVerbs,
} from '@writ/contracts';
import { z } from 'zod';

import { json, type Route } from './route';

const rule = z.strictObject({ name: RuleName });

const AcceptedRuleCommand = z
  .object({
    name: RuleName,
    commandId: z.string(),
    position: z.number().int(),
    version: z.number().int(),
  })
  .meta({ id: 'AcceptedRuleCommand' });

export const ruleRoutes = {
  createRule: {
    method: 'post',
    path: '/v1/rules',
    summary: 'Makes a rule, in shadow: beside each decision of people it notes its own',
    params: z.strictObject({}),
    body: RuleFile,
    idempotent: true,
    status: 202,
    answers: json(AcceptedRuleCommand),
    problems: [403, 409, 413, 415, 422],
  },
  listRules: {
    method: 'get',
    path: '/v1/rules',
    summary: 'Lists rules by name',
    query: z.strictObject({
      status: RuleStatus.optional(),
      limit: z.coerce.number().int().min(1).max(1000).optional(),
    }),
    answers: json(z.array(RuleSummary)),
    problems: [],
  },
  rule: {
    method: 'get',
    path: '/v1/rules/{name}',
    summary: 'A rule with its last judgements and decisions',
    params: rule,
    query: z.strictObject({}),
    answers: json(RuleDocument),
    problems: [404],
  },
  commandRule: {
    method: 'post',
    path: '/v1/rules/{name}/commands',
    summary: 'Promotes a rule, so that it decides, or revokes it for good',
    description:
      'A promotion is refused with 409 until its last judgements agreed, as many as it asks for; the details say how many are missing. The header Writ-Person says who it is.',
    params: rule,
    body: z.strictObject({
      verb: z.enum(ruleVerbs).exclude(['create']),
      /** Of a revocation. */
      reason: ruleCommands.revoke.shape.reason,
    }),
    idempotent: true,
    status: 202,
    answers: json(AcceptedRuleCommand),
    problems: [403, 404, 409, 413, 415, 422],
  },
} as const satisfies Record<string, Route>;
