/** The verifier as a process. */
import { join } from 'node:path';
import { evaluationDecider } from '@writ/domain';
import { Aggregates } from '@writ/event-log';
import { metricsOf } from '@writ/observability';
import { connect, ReadModels, runService, type Host, type Opened } from '@writ/service-host';
import { VerifierModule } from './app.module';
import { runProgram } from './checks/run-program';
import { readConfig, type VerifierConfig } from './config';
import { evaluationRows } from './projections/evaluation-rows';
import { snapshotsIn, sweepSnapshots } from './snapshots/open-snapshot';
import { ScratchFolders } from './snapshots/scratch-folders';
import type { Verifier } from './verifier';

/** Evaluations are looked up in the log; this only spares the folding of the latest. */
const cacheSize = 100;

async function open(host: Host<VerifierConfig>): Promise<Opened> {
  const { config, logger, registry } = host;
  const folders = new ScratchFolders(join(config.WRIT_DATA_DIR, 'snapshots'));
  const swept = await sweepSnapshots(folders);
  if (swept > 0) logger.info(`removed ${swept} folders that an earlier process left`);
  const { bus, log, appends, content, checks, stop } = await connect(host);
  const url = config.DATABASE_URL;
  const projections = [evaluationRows];
  const readModels = new ReadModels({ url, log, appends, logger, registry, projections });
  const verifier: Verifier = {
    ...{ log, bus, content, folders, runProgram, logger },
    evaluations: new Aggregates({ log, decider: evaluationDecider, cacheSize }),
    openSnapshot: snapshotsIn(folders, content),
    environment: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' },
    metrics: metricsOf(registry, 'verifier'),
    underWay: new Set(),
    rebuild: (asked, progress) => readModels.rebuild(asked, progress),
  };
  return {
    bus,
    module: VerifierModule.forRoot(verifier, registry, checks),
    begin: () => readModels.begin(),
    stop: [readModels.stop, ...stop],
  };
}

void runService('verifier', readConfig, open);
