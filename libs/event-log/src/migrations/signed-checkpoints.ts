import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE } from '../service-roles';

const table = `
create table manifest.signed_checkpoints (
  key_id text collate "C" primary key,
  first_position bigint not null,
  last_position bigint not null
);
comment on table manifest.signed_checkpoints is
  'which checkpoints of the log there have to be, by the key that signed them; they lie outside';
`;

/** So that checkpoints whose file is gone are missed. */
export class CreateSignedCheckpoints1763700000007 implements MigrationInterface {
  readonly name = 'CreateSignedCheckpoints1763700000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(table); // the rights follow from the schema's default
    await runner.query('reset role');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table manifest.signed_checkpoints');
  }
}
