/**
 * The seat of a follower in PostgreSQL: an advisory lock on the very connection that writes, so that
 * whoever lost the one cannot do the other, and a row of the service's table of checkpoints.
 */
import { TRY_LOCK } from './lock-session';
import type { Page, Projection } from './projection';
import { ProjectionSession } from './projection-session';
import type { ProjectionSeat } from './seats';

export async function openProjectionSeat(
  url: string,
  projection: Projection,
): Promise<ProjectionSeat> {
  const { name, schema } = projection;
  const applicationName = `writ follower ${name}`;
  const session = await ProjectionSession.open({ url, schema, applicationName });
  return {
    take: async () => {
      const [lock] = await session.query<{ held: boolean }[]>(TRY_LOCK, [`${schema}.${name}`]);
      if (lock?.held !== true) return undefined;
      await createCheckpoint(session, name);
      return readCheckpoint(session, name);
    },
    advance: (page, from) => advance(session, projection, page, from),
    close: () => session.close(),
  };
}

function advance(
  session: ProjectionSession,
  { name, schema, apply }: Projection,
  page: Page,
  from: number,
): Promise<void> {
  return session.transaction(async (tx) => {
    const [, moved] = (await tx.query(
      'update checkpoint set position = $1 where name = $2 and position = $3',
      [page.upTo, name, from],
    )) as [unknown, number];
    if (moved !== 1) {
      throw new Error(`the checkpoint of ${schema}.${name} is not at ${from} any more`);
    }
    if (page.events.length > 0) await apply(page.events, tx);
  });
}

/** So that there is a row to lock, and to move. */
export async function createCheckpoint(
  session: Pick<ProjectionSession, 'query'>,
  name: string,
): Promise<void> {
  await session.query('insert into checkpoint values ($1, 0) on conflict do nothing', [name]);
}

export async function readCheckpoint(
  session: Pick<ProjectionSession, 'query'>,
  name: string,
  lock: '' | 'for update' = '',
): Promise<number> {
  const [row] = await session.query<{ position: string }[]>(
    `select position from checkpoint where name = $1 ${lock}`,
    [name],
  );
  return Number(row?.position ?? 0);
}
