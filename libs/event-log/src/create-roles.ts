/**
 * Makes the roles, their settings and passwords. Roles belong to the whole server, while the lock
 * of a migration belongs to one database: two databases that migrate at the same time meet here,
 * and PostgreSQL lets one of them fail. Each statement is therefore repeated, not wrapped.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { scramVerifier } from './scram-verifier';
import { OWNER_ROLE, roleOf, roleSettings, services, type Service } from './service-roles';

export type Passwords = Partial<Record<Service, string>>;

const ATTEMPTS = 40;
/** duplicate_object, unique_violation, and internal_error for «tuple concurrently updated». */
const RACES = new Set(['42710', '23505', 'XX000']);

/** Returns the names of the roles that were not there before. */
export async function createRoles(database: DataSource, passwords: Passwords): Promise<string[]> {
  const created: string[] = [];
  if (await createRole(database, OWNER_ROLE, 'nologin')) created.push(OWNER_ROLE);
  await repeatOverRaces(() => database.query(`grant ${OWNER_ROLE} to current_user`));
  for (const service of services) {
    const role = roleOf(service);
    if (await createRole(database, role, 'login')) created.push(role);
    await applySettings(database, role);
    const password = passwords[service];
    if (password !== undefined) {
      const verifier = scramVerifier(password);
      await repeatOverRaces(() => database.query(`alter role ${role} password '${verifier}'`));
    }
  }
  return created;
}

async function createRole(
  database: DataSource,
  role: string,
  login: 'login' | 'nologin',
): Promise<boolean> {
  return repeatOverRaces(async () => {
    const found = await database.query('select 1 from pg_roles where rolname = $1', [role]);
    if (found.length > 0) return false;
    await database.query(`create role ${role} ${login} nosuperuser nocreatedb nocreaterole`);
    return true;
  });
}

async function applySettings(database: DataSource, role: string): Promise<void> {
  for (const [name, value] of Object.entries(roleSettings)) {
    await repeatOverRaces(async () => {
      const set = await database.query(
        'select 1 from pg_roles where rolname = $1 and $2 = any(rolconfig)',
        [role, `${name}=${value}`],
      );
      if (set.length === 0) await database.query(`alter role ${role} set ${name} = '${value}'`);
    });
  }
}

async function repeatOverRaces<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const code = (error as { code?: string }).code ?? '';
      if (!RACES.has(code) || attempt === ATTEMPTS) throw error;
      await wait(5 + Math.random() * 10 * Math.min(attempt, 10));
    }
  }
}
