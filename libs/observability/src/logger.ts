/**
 * Logs: one JSON object per line on stdout, for whoever collects them. Owns the format, the level and
 * what must never appear. Who logs what is the business of the services; ids of directives, steps and
 * traces travel as fields of a child logger: `logger.child({ directiveId, traceId })`.
 */
import type { LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Fields whose value is replaced wherever they stand, down to the second level of an object. */
const secretFields = [
  'password',
  'token',
  'secret',
  'apiKey',
  'privateKey',
  'authorization',
  'cookie',
  'DATABASE_URL',
  'NATS_TOKEN',
];
const CENSOR = '[redacted]';

/** Who logs in at any address in a line: `postgres://writ:pw@host`, `nats://token@host`. */
const credentials = /:\/\/[^\s/"\\@]+@/g;

export interface LoggerOptions {
  service: string;
  instance: string;
  /** Default `info`. */
  level?: LogLevel;
  /** Default stdout, written synchronously, so that the line before a crash is not lost. */
  destination?: DestinationStream;
}

export function createLogger({ service, instance, level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level: level ?? 'info',
      base: { service, instance },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: CENSOR,
      },
      hooks: { streamWrite: (line) => line.replace(credentials, `://${CENSOR}@`) },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** Nest's own messages on our lines. Its chatter while it boots is of no interest: debug. */
export function nestLogger(logger: Logger): LoggerService {
  const write =
    (level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace') =>
    (message: unknown, ...rest: unknown[]) => {
      const context = typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
      const stack = level === 'error' && rest.length > 1 ? rest[0] : undefined;
      if (message instanceof Error) logger[level]({ err: message, context }, message.message);
      else if (typeof message === 'object') logger[level]({ details: message, context, stack });
      else logger[level]({ context, stack }, String(message));
    };
  return {
    log: write('debug'),
    fatal: write('fatal'),
    error: write('error'),
    warn: write('warn'),
    debug: write('debug'),
    verbose: write('trace'),
  };
}
