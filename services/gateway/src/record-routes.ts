/** What is computed from the record when somebody asks. */
import {
  BacktestReport,
  DecisionPolicy,
  DirectiveDiff,
  DirectiveDocument,
  DirectiveId,
  DirectiveMetrics,
  MomentText,
  RollbackAdvisory,
  RunMetrics,
  StepName,
  Why,
} from '@writ/contracts';
import { z } from 'zod';

import { directiveId, json, nothing, runId, type Route } from './route';

/** `ID` or `ID@MOMENT` */
const DiffedText = z
  .string()
  .max(60)
  .refine(
    (text) => {
      const [id, at, ...more] = text.split('@');
      const isMoment = at === undefined || MomentText.safeParse(at).success;
      return DirectiveId.safeParse(id).success && isMoment && more.length === 0;
    },
    { error: 'is no id of a directive, nor one with @POSITION or @TIME behind it' },
  );

export const recordRoutes = {
  why: {
    method: 'get',
    path: '/v1/directives/{id}/why',
    summary: 'Why a directive, or a step, a run or an approval of it, is as it is',
    description:
      'The nearest cause first, each with the command that unblocks it, if there is one.',
    params: directiveId,
    /** The id of a step, a run or an approval of it. */
    query: z.strictObject({ of: z.string().min(1).max(200).optional() }),
    answers: json(Why),
    problems: [404],
  },
  state: {
    method: 'get',
    path: '/v1/directives/{id}/state',
    summary: 'A directive as it was after a position of the log, or at a time',
    params: directiveId,
    query: z.strictObject({ at: MomentText }),
    answers: json(DirectiveDocument),
    problems: [404],
  },
  diff: {
    method: 'get',
    path: '/v1/diff',
    summary: 'Where two directives part, or two moments of one',
    description: 'Each is an id, or an id with a position or a time behind it: ID@POSITION.',
    query: z.strictObject({ a: DiffedText, b: DiffedText }),
    answers: json(DirectiveDiff),
    problems: [404],
  },
  backtest: {
    method: 'post',
    path: '/v1/backtest',
    summary: 'Which past decisions of the gate would come out otherwise under another policy',
    description: 'Changes nothing.',
    body: z.strictObject({
      policy: DecisionPolicy,
      since: z.iso.datetime({ offset: true }).optional(),
      limit: z.number().int().min(0).max(1000).optional(),
    }),
    idempotent: true,
    answers: json(BacktestReport),
    problems: [413, 415],
  },
  directiveMetrics: {
    method: 'get',
    path: '/v1/directives/{id}/metrics',
    summary: 'What a directive came to in figures, by the log',
    params: directiveId,
    query: nothing,
    answers: json(DirectiveMetrics),
    problems: [404],
  },
  rollbackAdvisory: {
    method: 'get',
    path: '/v1/directives/{id}/rollback-advisory',
    summary: 'What going back to before a step would mean; nothing is done',
    params: directiveId,
    query: z.strictObject({ step: StepName }),
    answers: json(RollbackAdvisory),
    problems: [404, 409],
  },
  runMetrics: {
    method: 'get',
    path: '/v1/runs/{id}/metrics',
    summary: 'What a run came to in figures, by the log',
    params: runId,
    query: nothing,
    answers: json(RunMetrics),
    problems: [404],
  },
} as const satisfies Record<string, Route>;
