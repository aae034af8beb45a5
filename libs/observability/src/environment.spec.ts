import { z } from 'zod';
import {
  describeEnvironment,
  EnvironmentError,
  environmentTable,
  readEnvironment,
  variable,
} from './environment';
import { processVariables, serviceVariables } from './service-variables';

const schema = z.object({
  DATABASE_URL: serviceVariables.DATABASE_URL,
  ...processVariables,
  DRAIN_SECONDS: variable(z.coerce.number().positive().default(20), {
    means: 'how long running work may finish',
    example: '30',
  }),
});
const DATABASE_URL = 'postgres://u:pw@127.0.0.1/writ';

test('what is not set has its default', () => {
  expect(readEnvironment(schema, { DATABASE_URL, HTTP_PORT: '' })).toEqual({
    DATABASE_URL,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: 0,
    LOG_LEVEL: 'info',
    SERVICE_INSTANCE: expect.stringMatching(new RegExp(`-${process.pid}$`)),
    DRAIN_SECONDS: 20,
  });
});

test('every bad variable is told at once, with what is wrong, what it means and an example', () => {
  const read = () => readEnvironment(schema, { HTTP_PORT: 'eighty', LOG_LEVEL: 'loud' });
  expect(read).toThrow(EnvironmentError);
  let problems: readonly string[] = [];
  try {
    read();
  } catch (error) {
    problems = (error as EnvironmentError).problems;
  }
  expect(problems).toHaveLength(3);
  expect(problems[0]).toMatch(
    /^DATABASE_URL is not set; it says which .*, for example DATABASE_URL=postgres:/,
  );
  expect(problems[1]).toMatch(
    /^HTTP_PORT is "eighty": .*; it says the port .*, for example HTTP_PORT=9101$/,
  );
  expect(problems[2]).toMatch(/^LOG_LEVEL is "loud": /);
});

test('the value of a secret variable is never shown', () => {
  expect(() => readEnvironment(schema, { DATABASE_URL: 'mysql://u:pw@host' })).toThrow(
    /DATABASE_URL is not an address that starts with postgres:\/\//,
  );
  expect(() => readEnvironment(schema, { DATABASE_URL: 'mysql://u:pw@host' })).not.toThrow(/pw/);
});

test('a schema describes itself for the documents', () => {
  expect(describeEnvironment(schema).find((row) => row.name === 'DRAIN_SECONDS')).toEqual({
    name: 'DRAIN_SECONDS',
    means: 'how long running work may finish',
    example: '30',
    default: '20',
    required: false,
  });
  const table = environmentTable(schema).split('\n');
  expect(table).toHaveLength(8);
  expect(table[2]).toMatch(/^\| `DATABASE_URL` \| which .* \| required \|$/);
});
