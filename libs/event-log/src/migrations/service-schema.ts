/**
 * What every service has of its own: a schema that no other service can look into, and in it the
 * places up to which its read models have followed the log.
 */
import type { QueryRunner } from 'typeorm';
import { OWNER_ROLE, roleOf, type Service } from '../service-roles';

export async function createServiceSchema(
  runner: QueryRunner,
  service: Service,
  tables: string,
): Promise<void> {
  const role = roleOf(service);
  await runner.query(`create schema ${service} authorization ${OWNER_ROLE}`);
  await runner.query(`set local role ${OWNER_ROLE}`);
  await runner.query(`set local search_path = ${service}`);
  await runner.query(`
    create table checkpoint (
      name text primary key,
      position bigint not null
    );
    comment on table checkpoint is 'up to where each read model has followed the log';
  `);
  await runner.query(tables);
  await runner.query(`
    grant usage on schema ${service} to ${role};
    grant select, insert, update, delete, truncate on all tables in schema ${service} to ${role};
    alter default privileges in schema ${service}
      grant select, insert, update, delete, truncate on tables to ${role};
  `);
  await runner.query('set local search_path to default');
  await runner.query('reset role');
}

export async function dropServiceSchema(runner: QueryRunner, service: Service): Promise<void> {
  await runner.query(`drop schema ${service} cascade`);
}
