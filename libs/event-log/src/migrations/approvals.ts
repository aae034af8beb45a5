import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

const table = `
create table planner.approval (
  id text collate "C" primary key,
  directive_id text collate "C" not null,
  status text not null,
  requested_at timestamptz not null,
  approval text not null -- canonical JSON
);
create index approval_status on planner.approval (status, requested_at);
`;

/** The inbox of those who decide. */
export class CreateApprovals1763700000009 implements MigrationInterface {
  readonly name = 'CreateApprovals1763700000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(table); // the rights follow from the schema's default
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table planner.approval');
  }
}
