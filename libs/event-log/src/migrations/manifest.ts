import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createServiceSchema, dropServiceSchema } from './service-schema';

const tables = `
create table manifest (
  id text collate "C" primary key,
  kind text not null,
  directive_id text collate "C" not null,
  digest text not null,
  sealed_at timestamptz not null,
  position bigint not null
);
create index manifest_directive_id on manifest (directive_id);

create table reference (
  digest text collate "C" not null,
  owner text collate "C" not null,
  primary key (digest, owner)
);
`;

/** Sealed manifests, and which digests something refers to. */
export class CreateManifest1763700000005 implements MigrationInterface {
  readonly name = 'CreateManifest1763700000005';

  async up(runner: QueryRunner): Promise<void> {
    await createServiceSchema(runner, 'manifest', tables);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropServiceSchema(runner, 'manifest');
  }
}
