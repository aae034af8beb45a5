import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

/** Successes of steps of one name are found without reading all runs. */
export class IndexSuccesses1763700000041 implements MigrationInterface {
  readonly name = 'IndexSuccesses1763700000041';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(
      `create index run_success_of_step on executor.run (step, position) where result = 'success'`,
    );
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index executor.run_success_of_step');
  }
}
