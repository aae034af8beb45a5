import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

const table = `
create table planner.schedule (
  id text collate "C" primary key,
  status text not null,
  created_at timestamptz not null,
  version integer not null,
  schedule text not null -- canonical JSON
);
create index schedule_status on planner.schedule (status, created_at desc);
`;

/** What makes directives again and again. */
export class CreateSchedules1763700000021 implements MigrationInterface {
  readonly name = 'CreateSchedules1763700000021';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(table); // the rights follow from the schema's default
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table planner.schedule');
  }
}
