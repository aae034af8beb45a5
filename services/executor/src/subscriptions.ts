/** The executor at a glance: what it hears and answers, and which reaction does it. */
import { Controller, Inject, type Type } from '@nestjs/common';
import {
  consumers,
  queries,
  rebuildQuery,
  type RunWork,
  type WorkspaceWork,
} from '@writ/contracts';
import { Answers, Hears } from '@writ/messaging';
import type { Incoming } from '@writ/messaging';
import { answerHistory } from './answer-history';
import { answerRun } from './answer-run';
import { answerWhyRun } from './answer-why';
import { EXECUTOR } from './executor';
import type { Executor } from './executor';
import { keepWorkspace, parseWorkspaceWork } from './keep-workspace';
import type { PlaceKind } from './places';
import { parseRunWork, runStep } from './run-step';

/** How many messages of a kind are worked on at a time. */
export interface Concurrency {
  /** Of what is answered in this process, and of workspaces. */
  readonly messages: number;
  /** Of each kind that is carried out: what has no place here yet is left for other executors. */
  readonly places: Readonly<Record<PlaceKind, number>>;
}

export function executorSubscriptions({ messages, places }: Concurrency): Type<object> {
  @Controller()
  class ExecutorSubscriptions {
    constructor(@Inject(EXECUTOR) private readonly executor: Executor) {}

    @Hears(consumers.executorEcho, { parse: parseRunWork, concurrency: messages })
    echo(message: Incoming<RunWork>): Promise<void> {
      return runStep(this.executor, message);
    }

    @Hears(consumers.executorProgram, { parse: parseRunWork, concurrency: places.program })
    program(message: Incoming<RunWork>): Promise<void> {
      return runStep(this.executor, message);
    }

    @Hears(consumers.executorShell, { parse: parseRunWork, concurrency: places.shell })
    shell(message: Incoming<RunWork>): Promise<void> {
      return runStep(this.executor, message);
    }

    @Hears(consumers.executorHttp, { parse: parseRunWork, concurrency: places.http })
    http(message: Incoming<RunWork>): Promise<void> {
      return runStep(this.executor, message);
    }

    @Hears(consumers.executorWorker, { parse: parseRunWork, concurrency: places.worker })
    worker(message: Incoming<RunWork>): Promise<void> {
      return runStep(this.executor, message);
    }

    @Hears(consumers.executorWorkspace, { parse: parseWorkspaceWork, concurrency: messages })
    workspace(message: Incoming<WorkspaceWork>): Promise<void> {
      return keepWorkspace(this.executor, message);
    }

    @Answers(queries.run.service, queries.run.name)
    run(question: unknown): Promise<unknown> {
      return answerRun(this.executor, question);
    }

    @Answers(queries.history.service, queries.history.name)
    history(question: unknown): Promise<unknown> {
      return answerHistory(this.executor, question);
    }

    @Answers(queries.whyRun.service, queries.whyRun.name)
    why(question: unknown): Promise<unknown> {
      return answerWhyRun(this.executor, question);
    }

    @Answers('executor', rebuildQuery('executor').name)
    rebuild(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
      return this.executor.rebuild(rebuildQuery('executor').schema.parse(question), progress);
    }
  }
  return ExecutorSubscriptions;
}
