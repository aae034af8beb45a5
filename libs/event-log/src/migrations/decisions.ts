import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

const tables = `
create table planner.decision (
  run_id text collate "C" primary key,
  directive_id text collate "C" not null,
  at timestamptz not null,
  position bigint not null,
  outcome text, -- null: its run is judged, and nothing is decided yet
  decision text not null -- canonical JSON
);
create index decision_position on planner.decision (position) where outcome is not null;

create table planner.decision_context (
  id text collate "C" primary key, -- of a directive
  context text not null -- canonical JSON
);
`;

/** What the gate decided and by what, so that it can be decided again by another policy. */
export class CreateDecisions1763700000040 implements MigrationInterface {
  readonly name = 'CreateDecisions1763700000040';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(tables); // the rights follow from the schema's default
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table planner.decision, planner.decision_context');
  }
}
