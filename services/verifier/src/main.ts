/** The verifier as a process. */
import { join } from 'node:path';
import { consumers } from '@writ/contracts';
import { metricsOf, programMetrics } from '@writ/observability';
import { AllowList, Outbound, type OutboundRequest } from '@writ/outbound-http';
import { openProgramHost, redactText } from '@writ/programs';
import { connect, ReadModels, runService, type Host, type Opened } from '@writ/service-host';
import { VerifierModule } from './app.module';
import { programRunner } from './checks/run-program';
import { composeVerifier } from './compose-verifier';
import { readConfig, type VerifierConfig } from './config';
import { evaluationRows } from './projections/evaluation-rows';
import { snapshotsIn, sweepSnapshots } from './snapshots/open-snapshot';
import { ScratchFolders } from './snapshots/scratch-folders';

async function open(host: Host<VerifierConfig>): Promise<Opened> {
  const { config, logger, registry, seams } = host;
  const programs = await openProgramHost({
    ...{ settings: config, env: process.env, counters: programMetrics(registry), logger },
    // Before what is not acknowledged is given to another verifier.
    wardenLimitMs: consumers.verifierEvaluations.ackWaitMs * 0.6,
  });
  const folders = new ScratchFolders(join(programs.dataDir, 'snapshots'));
  const swept = await sweepSnapshots(folders);
  if (swept > 0) logger.info(`removed ${swept} folders that an earlier process left`);
  const { bus, log, appends, content, checks, stop } = await connect(host);
  const url = config.DATABASE_URL;
  const projections = [evaluationRows];
  const readModels = new ReadModels({
    ...{ url, log, appends, logger, registry, projections, seams },
    giveWay: true,
  });
  const outbound = new Outbound(new AllowList(config.WRIT_HTTP_ALLOW));
  const asked = seams.area('check', {
    program: programRunner(programs),
    http: (request: OutboundRequest) => outbound.request(request),
  });
  const verifier = composeVerifier({
    ...{ log, bus, content, folders, logger },
    silenceMs: config.WRIT_WORKER_SILENCE_MS,
    runProgram: asked.program,
    ask: asked.http,
    redact: (text) => redactText(text, { needles: programs.needles, patterns: true }),
    openSnapshot: snapshotsIn(folders, content),
    environment: { PATH: programs.path, LANG: 'C.UTF-8', ...programs.passed },
    metrics: metricsOf(registry, 'verifier'),
    rebuild: (asked, progress) => readModels.rebuild(asked, progress),
  });
  const sandbox = () => ({ ok: true, detail: `level ${programs.sandbox.level}` });
  return {
    bus,
    module: VerifierModule.forRoot(verifier, registry, { ...checks, sandbox }),
    begin: () => {
      programs.warden.start();
      readModels.begin();
    },
    stop: [
      { name: 'leave the workers', limitMs: 1_000, run: () => verifier.workers.close() },
      { name: 'let the warden go', limitMs: 2_000, run: () => programs.warden.close() },
      { name: 'remove the pipes', limitMs: 1_000, run: () => programs.pipes.close() },
      readModels.stop,
      ...stop,
    ],
  };
}

void runService('verifier', readConfig, open);
