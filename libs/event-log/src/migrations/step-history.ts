import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

const table = `
create table executor.step_history (
  key text collate "C" primary key,
  runs text not null -- canonical JSON, the latest first
);
`;

/** How steps went before, for forecasts. */
export class CreateStepHistory1763700000020 implements MigrationInterface {
  readonly name = 'CreateStepHistory1763700000020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(table); // the rights follow from the schema's default
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table executor.step_history');
  }
}
