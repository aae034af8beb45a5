import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createServiceSchema, dropServiceSchema } from './service-schema';

const tables = `
create table run (
  run_id text collate "C" primary key,
  directive_id text collate "C" not null,
  step text not null,
  attempt integer not null,
  status text not null,
  result text,
  bundle_hash text,
  claim integer not null,
  adapter text,
  started_at timestamptz,
  ended_at timestamptz,
  version integer not null,
  position bigint not null
);
create index run_directive_id on run (directive_id);

-- One success for each bundle of inputs; its outcome is canonical JSON.
create table run_cache (
  bundle_hash text collate "C" primary key,
  run_id text not null,
  directive_id text not null,
  position bigint not null,
  outcome text not null
);

-- Who may work on a run, until when by the database's clock.
create table lease (
  run_id text collate "C" primary key,
  claim integer not null,
  executor_id text not null,
  expires_at timestamptz not null
);

-- Who computes a bundle right now; lost with the server, like the work itself.
create unlogged table reservation (
  bundle_hash text collate "C" primary key,
  run_id text not null,
  executor_id text not null,
  expires_at timestamptz not null
);
`;

/** Runs and the run cache (read models); leases and reservations (state of the moment, not from the log). */
export class CreateExecutor1763700000003 implements MigrationInterface {
  readonly name = 'CreateExecutor1763700000003';

  async up(runner: QueryRunner): Promise<void> {
    await createServiceSchema(runner, 'executor', tables);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropServiceSchema(runner, 'executor');
  }
}
