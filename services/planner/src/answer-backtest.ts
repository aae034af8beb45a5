/** Answers which past decisions would come out otherwise under another policy. */
import { queries, type BacktestReport } from '@writ/contracts';
import { Backtest } from '@writ/domain';
import type { Planner } from './planner';

const PAGE = 2_000;

export async function answerBacktest(
  { decisions }: Pick<Planner, 'decisions'>,
  question: unknown,
  progress: (state: unknown) => void = () => undefined,
): Promise<BacktestReport> {
  const { policy, since, limit } = queries.backtest.schema.parse(question);
  const backtest = new Backtest({ policy, since: since ?? null, limit });
  for (let after = 0, tested = 0; ;) {
    const page = await decisions.page({ since, after, limit: PAGE });
    const missing = backtest.missing(page);
    if (missing.length > 0) {
      for (const earlier of await decisions.ofRuns(missing)) backtest.know(earlier);
    }
    for (const decision of page) backtest.take(decision);
    if (page.length < PAGE) return backtest.report();
    after = page.at(-1)?.position ?? after;
    progress({ tested: (tested += page.length) });
  }
}
