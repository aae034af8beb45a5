import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createServiceSchema, dropServiceSchema } from './service-schema';

const tables = `
create table evaluation (
  run_id text collate "C" primary key,
  directive_id text collate "C" not null,
  step text not null,
  level text not null,
  score double precision,
  position bigint not null
);
create index evaluation_directive_id on evaluation (directive_id);
`;

/** What the verifier has judged. */
export class CreateVerifier1763700000004 implements MigrationInterface {
  readonly name = 'CreateVerifier1763700000004';

  async up(runner: QueryRunner): Promise<void> {
    await createServiceSchema(runner, 'verifier', tables);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropServiceSchema(runner, 'verifier');
  }
}
