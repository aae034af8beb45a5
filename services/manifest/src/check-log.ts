/** Verifies the whole log: every hash anew, and against the checkpoints that were signed. */
import { queries } from '@writ/contracts';
import { verifyLog, type VerifyLogReport } from '@writ/event-log';
import type { Keeper } from './keeper';

export async function checkLog(
  { verification, logger, metrics }: Pick<Keeper, 'verification' | 'logger' | 'metrics'>,
  question: unknown,
  onProgress: (state: unknown) => void,
): Promise<VerifyLogReport> {
  queries.verifyLog.schema.parse(question);
  onProgress({ position: 0 });
  const report = await verifyLog({ ...verification, onProgress });
  metrics.logVerifiedPosition.set(report.events);
  if (!report.ok) {
    metrics.logVerificationFailures.inc();
    logger.error({ firstBad: report.firstBad }, 'the log is not what was recorded');
  }
  return report;
}
