/** The migrator's environment, read once; every bad variable is named in one message. */
import { services, type Service } from '@writ/event-log';

export interface MigratorConfig {
  readonly adminUrl: string;
  readonly passwords: Record<Service, string>;
}

export const passwordVariable = (service: Service) => `WRIT_${service.toUpperCase()}_PASSWORD`;

/** Throws an error that lists everything that is missing or bad. */
export function readConfig(environment: NodeJS.ProcessEnv): MigratorConfig {
  const problems: string[] = [];
  const adminUrl = environment['DATABASE_URL'] ?? '';
  if (!isPostgresUrl(adminUrl)) {
    problems.push(
      'DATABASE_URL: the URL of an administrator, postgres://user:password@host/database',
    );
  }
  const passwords = Object.fromEntries(
    services.map((service) => {
      const password = environment[passwordVariable(service)] ?? '';
      if (password === '') {
        problems.push(
          `${passwordVariable(service)}: the password that writ_${service} logs in with`,
        );
      }
      return [service, password];
    }),
  ) as Record<Service, string>;
  if (problems.length === 0) return { adminUrl, passwords };
  throw new Error(
    `these variables are missing or bad:\n${problems.map((it) => `  ${it}`).join('\n')}`,
  );
}

function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
}
