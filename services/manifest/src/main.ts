/** The manifest service as a process. */
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { layeredStore, openPostgresStore } from '@writ/content-store';
import { PostgresCheckpointTally, postgresSeats } from '@writ/event-log';
import { metricsOf } from '@writ/observability';
import { connect, ReadModels, runService, type Host, type Opened } from '@writ/service-host';
import { ManifestModule } from './app.module';
import { readConfig, type ManifestConfig } from './config';
import type { Keeper } from './keeper';
import { manifestRows } from './projections/manifest-rows';
import { RecordLoops } from './record-loops';
import { Sealing } from './seal-manifests';
import { Uploads } from './uploads';

async function open(host: Host<ManifestConfig>): Promise<Opened> {
  const { config, logger, registry, version, seams } = host;
  // Nobody waits for what this service does; a step may wait for the processor that it takes.
  setPriority(config.WRIT_NICE);
  const { bus, log, appends, content: folder, checks, stop } = await connect(host);
  const url = config.DATABASE_URL;
  const small = openPostgresStore({ url });
  // Manifests are small and many: in the database a hundred of them are one commit.
  const content = seams.area('content', layeredStore({ small, large: folder }));
  const metrics = metricsOf(registry, 'manifest');
  const sealing = new Sealing({ log, content, engineVersion: version, metrics });
  const checkpoints = {
    file: join(config.WRIT_DATA_DIR, 'checkpoints', 'log.jsonl'),
    keyFile: join(config.WRIT_DATA_DIR, 'keys', 'checkpoints.pem'),
  };
  const tally = new PostgresCheckpointTally(url);
  const loops = new RecordLoops({
    ...{ seats: postgresSeats(url), log, bus, logger, registry, metrics },
    sealing,
    giveWay: true,
    checkpoints: { ...checkpoints, tally },
  });
  const projections = [manifestRows];
  const readModels = new ReadModels({ url, log, appends, logger, registry, projections });
  const keeper: Keeper = {
    ...{ log, content, logger, metrics },
    // Into the folder: that is where the other services look.
    uploads: new Uploads({ contentDir: config.WRIT_CONTENT_DIR, content: folder }),
    sealedUpToNow: () => loops.sealedUpToNow(),
    verification: { url, checkpoints },
    rebuild: (asked, progress) => readModels.rebuild(asked, progress),
  };
  return {
    bus,
    module: ManifestModule.forRoot(keeper, registry, checks),
    begin: () => loops.begin(),
    stop: [
      ...loops.stop,
      { name: 'close the tally of checkpoints', limitMs: 2_000, run: () => tally.close() },
      { name: 'close the small content', limitMs: 2_000, run: () => small.close() },
      ...stop,
    ],
  };
}

void runService('manifest', readConfig, open);
