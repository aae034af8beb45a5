/**
 * Where database and NATS are, in the form that each reader needs: a service logs in as its own role
 * and has the token apart, the stack file holds addresses that work as they stand, a screen none of
 * the secrets.
 */
import { CliError } from '../cli-error';

/** The servers that somebody else runs, as the environment names them; empty where it names none. */
export interface NamedServers {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly natsToken: string | undefined;
}

/** Throws CliError `usage` for what is no address. */
export function namedServers(env: NodeJS.ProcessEnv = process.env): NamedServers {
  const { DATABASE_URL: databaseUrl = '', NATS_URL: natsUrl = '', NATS_TOKEN: natsToken } = env;
  if (databaseUrl !== '' && !/^postgres(ql)?:\/\/./.test(databaseUrl)) {
    const form = 'postgres://user:password@host:5432/database';
    throw new CliError(
      'usage',
      `DATABASE_URL is not the address of a database; write it as ${form}`,
    );
  }
  if (natsUrl !== '' && !natsUrl.split(',').every((one) => /^\s*(nats|tls):\/\/./.test(one))) {
    throw new CliError(
      'usage',
      'NATS_URL is not the address of NATS; write it as nats://host:4222',
    );
  }
  if (databaseUrl !== '' && !isReadable(databaseUrl)) {
    const cure = 'percent-encode what is special in the user or password';
    throw new CliError('usage', `DATABASE_URL cannot be read as an address; ${cure}`);
  }
  return { databaseUrl, natsUrl, natsToken };
}

function isReadable(url: string): boolean {
  try {
    const { username, password } = new URL(url);
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** The database as the role of a service, which may do no more than it needs. */
export function databaseUrlOf(service: string, databaseUrl: string, password: string): string {
  const url = new URL(databaseUrl);
  url.username = `writ_${service}`;
  url.password = password;
  return url.href;
}

/** `nats://token@host:port`, as NATS clients read it; one that names a user already stays. */
export function withToken(natsUrl: string, token: string | undefined): string {
  if (!token) return natsUrl;
  return natsUrl
    .split(',')
    .map((one) =>
      /\/\/[^/]*@/.test(one) ? one : one.replace('//', `//${encodeURIComponent(token)}@`),
    )
    .join(',');
}

/** Without passwords and tokens; the user of a database is none. */
export function withoutSecrets(url: string): string {
  return url
    .replace(/(\/\/[^:@/,]*):[^@/,]*@/g, '$1@')
    .replace(/((?:^|,)\s*nats:\/\/)[^@/,]*@/g, '$1');
}
