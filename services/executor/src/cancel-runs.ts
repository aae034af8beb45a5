/**
 * Hears by the way what concerns runs of this process: a step was cancelled, a run was judged bad.
 * These messages may be missed: leases ask the log with each beat, the cache has its read model.
 */
import type { EvaluationCompleted } from '@writ/contracts';
import type { Subscription } from '@writ/messaging';
import type { Executor } from './executor';

export async function hearOutcomes(
  deps: Pick<Executor, 'bus' | 'active' | 'cache' | 'logger'>,
): Promise<Subscription> {
  const hear = (subject: string, heard: (data: unknown) => void | Promise<void>) =>
    deps.bus.listen(subject, (_, bytes) => {
      const hearing = async () => heard(JSON.parse(Buffer.from(bytes).toString('utf8')));
      hearing().catch((error: unknown) => {
        deps.logger.debug({ err: error, subject }, 'an event that passed by had no effect');
      });
    });
  const subscriptions = [
    await hear('writ.event.directive.*.StepCancelled', (data) => {
      const { runId } = data as { runId: string };
      if (deps.active.cancel(runId)) deps.logger.info({ runId }, 'a run is cancelled');
    }),
    await hear('writ.event.directive.*.StepFailed', (data) =>
      deps.cache.forget((data as { run: { runId: string } }).run.runId),
    ),
    await hear('writ.event.evaluation.*.EvaluationCompleted', (data) => {
      const { runId, confidence } = data as EvaluationCompleted;
      return deps.cache.judged(runId, confidence);
    }),
  ];
  return {
    close: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
    },
  };
}
