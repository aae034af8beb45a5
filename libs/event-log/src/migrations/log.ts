import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE, roleOf, services } from '../service-roles';
import { refuseChanges } from '../sql/append-only';
import { createAppendFunction } from '../sql/append-function';
import { createLogTables } from '../sql/create-log';

/** The log itself: its tables, the triggers that guard them, the function that appends. */
export class CreateLog1763700000001 implements MigrationInterface {
  readonly name = 'CreateLog1763700000001';

  async up(runner: QueryRunner): Promise<void> {
    const roles = services.map(roleOf).join(', ');
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(createLogTables);
    await runner.query(refuseChanges);
    await runner.query(createAppendFunction);
    await runner.query(`
      grant usage on schema log to ${roles};
      grant select on log.event to ${roles};
      grant select, update on log.relay_cursor to ${roles};
      grant execute on function log.append to ${roles};
    `);
    await runner.query('reset role');
  }

  async down(): Promise<void> {
    throw new Error('the log is never taken back; restore a backup into another database');
  }
}
