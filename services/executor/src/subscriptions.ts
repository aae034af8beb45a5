/** The executor at a glance: what it hears and answers, and which reaction does it. */
import { Controller, Inject, type Type } from '@nestjs/common';
import { consumers, queries, rebuildQuery } from '@writ/contracts';
import { Answers, Hears } from '@writ/messaging';
import type { Incoming } from '@writ/messaging';
import { answerRun } from './answer-run';
import { EXECUTOR } from './executor';
import type { Executor } from './executor';
import { parseWork, takeWork } from './take-work';
import type { Work } from './take-work';

/** How many messages are worked on at a time is configuration. */
export function executorSubscriptions(concurrency: number): Type<object> {
  @Controller()
  class ExecutorSubscriptions {
    constructor(@Inject(EXECUTOR) private readonly executor: Executor) {}

    @Hears(consumers.executorWork, { parse: parseWork, concurrency })
    work(message: Incoming<Work>): Promise<void> {
      return takeWork(this.executor, message);
    }

    @Answers(queries.run.service, queries.run.name)
    run(question: unknown): Promise<unknown> {
      return answerRun(this.executor, question);
    }

    @Answers('executor', rebuildQuery('executor').name)
    rebuild(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
      return this.executor.rebuild(rebuildQuery('executor').schema.parse(question), progress);
    }
  }
  return ExecutorSubscriptions;
}
