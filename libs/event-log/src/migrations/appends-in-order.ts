import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE, roleOf, services } from '../service-roles';
import { createAppendFunction } from '../sql/append-function';

/** `log.append` with `followers`; services that know nothing of them call it as before. */
export class AppendsInOrder1763700000008 implements MigrationInterface {
  readonly name = 'AppendsInOrder1763700000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query('drop function log.append');
    await runner.query(createAppendFunction);
    const roles = services.map(roleOf).join(', ');
    await runner.query(`grant execute on function log.append to ${roles}`);
    await runner.query('reset role');
  }

  async down(): Promise<void> {
    throw new Error('the log is never taken back; restore a backup into another database');
  }
}
