import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

const table = `
create table planner.rule (
  name text collate "C" primary key,
  status text not null,
  version integer not null,
  rule text not null -- canonical JSON
);
`;

/** What decides for people, or may one day. */
export class CreateRules1763700000050 implements MigrationInterface {
  readonly name = 'CreateRules1763700000050';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(table); // the rights follow from the schema's default
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table planner.rule');
  }
}
