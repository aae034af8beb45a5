/** Snapshots of directives: how the planner keeps them, and what a rebuild tells of them. */
import type { RebuildReport } from '@writ/contracts';
import { directiveDecider, directiveSnapshot, type DirectiveState } from '@writ/domain';
import { rebuildSnapshots, Snapshots, type EventLog, type SnapshotTable } from '@writ/event-log';
import type { SnapshotsOptions } from '@writ/event-log';
import type { Logger } from '@writ/observability';

export type SnapshotParts = Pick<
  SnapshotsOptions<DirectiveState>,
  'table' | 'everyEvents' | 'restMs' | 'spareTime'
>;

type Around = Pick<SnapshotsOptions<DirectiveState>, 'log' | 'clock'> & { readonly logger: Logger };

export function openSnapshots(parts: SnapshotParts, { log, clock, logger }: Around) {
  return new Snapshots<DirectiveState>({
    ...{ ...parts, log, clock, form: directiveSnapshot },
    onTrouble: (what, stream, error) => {
      // One that no longer counts is no fault: the code or the log is another than it was.
      if (error === undefined) logger.info({ stream }, `a snapshot ${what}`);
      else logger.warn({ stream, err: error }, `a snapshot ${what}`);
    },
  });
}

/** They are thrown away with what a rebuild replaces, and compared where it compares. */
export async function rebuildWithSnapshots(
  report: RebuildReport,
  { check }: { readonly check: boolean },
  { log, table }: { readonly log: Pick<EventLog, 'readStream'>; readonly table: SnapshotTable },
): Promise<RebuildReport> {
  const began = performance.now();
  const { name, rows, equal } = await rebuildSnapshots({
    ...{ log, table, form: directiveSnapshot, decider: directiveDecider, clear: !check },
  });
  const seconds = report.seconds + Math.round(performance.now() - began) / 1_000;
  return { ...report, seconds, projections: [...report.projections, { name, rows, equal }] };
}
