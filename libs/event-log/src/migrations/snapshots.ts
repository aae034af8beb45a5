import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

const table = `
create table planner.snapshot (
  stream text collate "C" primary key,
  version integer not null,
  position bigint not null,
  hash text not null, -- of the event at that version
  shape integer not null,
  state bytea not null -- gzip
);
alter table planner.snapshot alter column state set storage external; -- small already
comment on table planner.snapshot is
  'folds of long streams, so that they are not folded twice; may be emptied at any time';
`;

/** Of directives: streams of runs and evaluations stay short. */
export class CreateSnapshots1763700000030 implements MigrationInterface {
  readonly name = 'CreateSnapshots1763700000030';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(table); // the rights follow from the schema's default
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table planner.snapshot');
  }
}
