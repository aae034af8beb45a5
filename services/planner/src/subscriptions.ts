/** The planner at a glance: what it hears and answers, and which reaction does it. */
import { Controller, Inject } from '@nestjs/common';
import { consumers, queries, rebuildQuery } from '@writ/contracts';
import type { EvaluationCompleted, RunEnded, WorkspaceEvent } from '@writ/contracts';
import { Answers, Hears } from '@writ/messaging';
import type { Incoming } from '@writ/messaging';
import { answerBacktest } from './answer-backtest';
import { answerDiff, answerState } from './answer-history';
import {
  answerApproval,
  answerApprovals,
  answerDirective,
  answerDirectives,
} from './answer-queries';
import { answerWhy } from './answer-why';
import { parseCommand } from './decide-command';
import type { ParsedCommand } from './decide-command';
import { noteEvaluation, noteRun, parseEvaluation, parseRunEnded } from './judge-step';
import { noteWorkspace, parseWorkspaceEvent } from './note-workspace';
import { answerPlan } from './plan-directive';
import { PLANNER } from './planner';
import type { Planner } from './planner';
import { takeCommand } from './take-command';

const concurrency = 128;

@Controller()
export class PlannerSubscriptions {
  constructor(@Inject(PLANNER) private readonly planner: Planner) {}

  @Hears(consumers.plannerCommands, { parse: parseCommand, concurrency })
  command(message: Incoming<ParsedCommand>): Promise<unknown> {
    return takeCommand(this.planner, message);
  }

  @Hears(consumers.plannerRuns, { parse: parseRunEnded, concurrency })
  runEnded(message: Incoming<RunEnded>): Promise<void> {
    return noteRun(this.planner, message);
  }

  @Hears(consumers.plannerEvaluations, { parse: parseEvaluation, concurrency })
  evaluated(message: Incoming<EvaluationCompleted>): Promise<void> {
    return noteEvaluation(this.planner, message);
  }

  @Hears(consumers.plannerWorkspaces, { parse: parseWorkspaceEvent, concurrency })
  workspaceChanged(message: Incoming<WorkspaceEvent>): Promise<void> {
    return noteWorkspace(this.planner, message);
  }

  @Answers(queries.directive.service, queries.directive.name)
  directive(question: unknown): Promise<unknown> {
    return answerDirective(this.planner, question);
  }

  @Answers(queries.directives.service, queries.directives.name)
  directives(question: unknown): Promise<unknown> {
    return answerDirectives(this.planner, question);
  }

  @Answers(queries.approvals.service, queries.approvals.name)
  approvals(question: unknown): Promise<unknown> {
    return answerApprovals(this.planner, question);
  }

  @Answers(queries.approval.service, queries.approval.name)
  approval(question: unknown): Promise<unknown> {
    return answerApproval(this.planner, question);
  }

  @Answers(queries.plan.service, queries.plan.name)
  plan(question: unknown): Promise<unknown> {
    return answerPlan(this.planner, question);
  }

  @Answers(queries.why.service, queries.why.name)
  why(question: unknown): Promise<unknown> {
    return answerWhy(this.planner, question);
  }

  @Answers(queries.state.service, queries.state.name)
  state(question: unknown): Promise<unknown> {
    return answerState(this.planner, question);
  }

  @Answers(queries.diff.service, queries.diff.name)
  diff(question: unknown): Promise<unknown> {
    return answerDiff(this.planner, question);
  }

  @Answers(queries.backtest.service, queries.backtest.name)
  backtest(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
    return answerBacktest(this.planner, question, progress);
  }

  @Answers('planner', rebuildQuery('planner').name)
  rebuild(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
    return this.planner.rebuild(rebuildQuery('planner').schema.parse(question), progress);
  }
}
