import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createServiceSchema, dropServiceSchema } from './service-schema';

const tables = `
create table directive (
  id text collate "C" primary key,
  title text not null,
  status text not null,
  paused_from text,
  reason text,
  generation integer not null,
  created_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  cost_usd double precision not null,
  version integer not null,
  position bigint not null,
  branch text,
  commit_id text,
  criteria text not null -- canonical JSON
);
create index directive_status on directive (status);
create index directive_created_at on directive (created_at desc);
`;

/** What the planner answers lists with. */
export class CreatePlanner1763700000002 implements MigrationInterface {
  readonly name = 'CreatePlanner1763700000002';

  async up(runner: QueryRunner): Promise<void> {
    await createServiceSchema(runner, 'planner', tables);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropServiceSchema(runner, 'planner');
  }
}
