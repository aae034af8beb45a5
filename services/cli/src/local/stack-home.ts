/** What lies where in the folder of a stack. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const databaseServices = ['planner', 'executor', 'verifier', 'manifest'] as const;
export const services = [...databaseServices, 'gateway'] as const;
export type ServiceName = (typeof services)[number];

export interface StackHome {
  readonly path: string;
  readonly stackFile: string;
  readonly supervisorFile: string;
  readonly secretsFile: string;
  readonly portsFile: string;
  readonly logs: string;
  readonly postgres: string;
  readonly nats: string;
  readonly content: string;
  dataOf(service: string): string;
  logOf(name: string): string;
}

/** Of the environment: `.writ` in the current folder unless `WRIT_HOME` names another one. */
export function writHome(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['WRIT_HOME'] || '.writ');
}

export function stackHome(path: string): StackHome {
  return {
    path,
    stackFile: join(path, 'stack.json'),
    supervisorFile: join(path, 'supervisor.json'),
    secretsFile: join(path, 'secrets.json'),
    portsFile: join(path, 'ports.json'),
    logs: join(path, 'logs'),
    postgres: join(path, 'postgres'),
    nats: join(path, 'nats'),
    content: join(path, 'content'),
    dataOf: (service) => join(path, 'data', service),
    logOf: (name) => join(path, 'logs', `${name}.log`),
  };
}

export function makeFolders(home: StackHome): void {
  mkdirSync(home.path, { recursive: true });
  const folders = [home.logs, home.content, ...services.map((service) => home.dataOf(service))];
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
  // It often lies in somebody's repository, whose history it is no part of.
  const ignored = join(home.path, '.gitignore');
  if (!existsSync(ignored)) writeFileSync(ignored, '*\n');
}
