/** The manifest service at a glance: what it answers, and which reaction does it. */
import { Controller, Inject } from '@nestjs/common';
import { queries, rebuildQuery } from '@writ/contracts';
import { Answers } from '@writ/messaging';
import { answerEvents } from './answer-events';
import { answerManifest } from './answer-manifest';
import { answerDirectiveMetrics, answerRunMetrics } from './answer-metrics';
import { answerRollback } from './answer-rollback';
import { checkLog } from './check-log';
import { KEEPER } from './keeper';
import type { Keeper } from './keeper';
import { readContent } from './read-content';
import { writeContent } from './write-content';

@Controller()
export class ManifestSubscriptions {
  constructor(@Inject(KEEPER) private readonly keeper: Keeper) {}

  @Answers(queries.events.service, queries.events.name)
  events(question: unknown): Promise<unknown> {
    return answerEvents(this.keeper, question);
  }

  @Answers(queries.manifest.service, queries.manifest.name)
  manifest(question: unknown): Promise<unknown> {
    return answerManifest(this.keeper, question);
  }

  @Answers(queries.directiveMetrics.service, queries.directiveMetrics.name)
  directiveMetrics(question: unknown): Promise<unknown> {
    return answerDirectiveMetrics(this.keeper, question);
  }

  @Answers(queries.runMetrics.service, queries.runMetrics.name)
  runMetrics(question: unknown): Promise<unknown> {
    return answerRunMetrics(this.keeper, question);
  }

  @Answers(queries.rollbackAdvisory.service, queries.rollbackAdvisory.name)
  rollback(question: unknown): Promise<unknown> {
    return answerRollback(this.keeper, question);
  }

  @Answers(queries.readContent.service, queries.readContent.name)
  read(question: unknown): Promise<unknown> {
    return readContent(this.keeper, question);
  }

  @Answers(queries.writeContent.service, queries.writeContent.name)
  write(question: unknown): Promise<unknown> {
    return writeContent(this.keeper, question);
  }

  @Answers(queries.verifyLog.service, queries.verifyLog.name)
  verifyLog(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
    return checkLog(this.keeper, question, progress);
  }

  @Answers('manifest', rebuildQuery('manifest').name)
  rebuild(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
    return this.keeper.rebuild(rebuildQuery('manifest').schema.parse(question), progress);
  }
}
