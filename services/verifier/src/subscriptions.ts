/** The verifier at a glance: what it hears and answers, and which reaction does it. */
import { availableParallelism } from 'node:os';
import { Controller, Inject } from '@nestjs/common';
import { consumers, queries, rebuildQuery } from '@writ/contracts';
import type { EvaluateWork } from '@writ/contracts';
import { Answers, Hears } from '@writ/messaging';
import type { Incoming } from '@writ/messaging';
import { answerEvaluation } from './answer-evaluation';
import { evaluateRun, parseEvaluateWork } from './evaluate-run';
import { VERIFIER } from './verifier';
import type { Verifier } from './verifier';

/** Checks are programs: more of them than processors would only take each other's time. */
const concurrency = Math.max(2, availableParallelism());

@Controller()
export class VerifierSubscriptions {
  constructor(@Inject(VERIFIER) private readonly verifier: Verifier) {}

  @Hears(consumers.verifierEvaluations, { parse: parseEvaluateWork, concurrency })
  evaluate(message: Incoming<EvaluateWork>): Promise<void> {
    return evaluateRun(this.verifier, message);
  }

  @Answers(queries.evaluation.service, queries.evaluation.name)
  evaluation(question: unknown): Promise<unknown> {
    return answerEvaluation(this.verifier, question);
  }

  @Answers('verifier', rebuildQuery('verifier').name)
  rebuild(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
    return this.verifier.rebuild(rebuildQuery('verifier').schema.parse(question), progress);
  }
}
