import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWNER_ROLE, roleOf, services } from '../service-roles';

const table = `
create table content.object (
  digest text collate "C" primary key,
  bytes bytea not null,
  stored_at timestamptz not null default now(),
  check (digest = 'sha256:' || encode(sha256(bytes), 'hex'))
);
comment on table content.object is 'small content by digest; large content lies in the content folder';
`;

/** Bytes by digest: every service may put and get, none may change or remove. */
export class CreateContent1763700000006 implements MigrationInterface {
  readonly name = 'CreateContent1763700000006';

  async up(runner: QueryRunner): Promise<void> {
    const roles = services.map(roleOf).join(', ');
    await runner.query(`create schema content authorization ${OWNER_ROLE}`);
    await runner.query(`set local role ${OWNER_ROLE}`);
    await runner.query(table);
    await runner.query(`
      grant usage on schema content to ${roles};
      grant select, insert on content.object to ${roles};
    `);
    await runner.query('reset role');
  }

  async down(): Promise<void> {
    throw new Error('content is never taken back; restore a backup into another database');
  }
}
