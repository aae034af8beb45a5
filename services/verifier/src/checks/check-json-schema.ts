/**
 * The check `json-schema`: a file is JSON and fits a schema (2020-12). A file that is missing, is not
 * JSON or does not fit has failed; a schema that cannot be used is an error of the check.
 */
import addFormats from 'ajv-formats';
import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import type { CheckOf } from '@writ/contracts';
import { readFileOf } from './find-files';
import { CheckTrouble, type CheckContext, type Verdict } from './verdict';
import { within } from './within';

type JsonSchemaCheck = CheckOf<'json-schema'>;

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_ERRORS = 100;
/** A schema may hold a regular expression that would take for ever. */
const TIME_LIMIT_MS = 2_000;

export async function checkJsonSchema(
  check: JsonSchemaCheck,
  { root }: CheckContext,
): Promise<Verdict> {
  const validate = compile(await schemaOf(check, root));
  const bytes = await readFileOf(root, check.path, MAX_BYTES);
  if (typeof bytes === 'string') return { outcome: 'failed', message: bytes };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return {
      outcome: 'failed',
      message: `${check.path} is not JSON: ${reasonOf(error)}`,
    };
  }
  if (within(TIME_LIMIT_MS, () => validate(value), `the schema against ${check.path}`)) {
    return { outcome: 'passed', message: `${check.path} fits its schema` };
  }
  const lines = linesOf(validate.errors ?? []);
  const more = lines.length > 1 ? ` (and ${lines.length - 1} more)` : '';
  return {
    outcome: 'failed',
    message: `${check.path} does not fit its schema: ${lines[0] ?? 'it is not allowed'}${more}`,
    log: `${lines.join('\n')}\n`,
  };
}

async function schemaOf(check: JsonSchemaCheck, root: string): Promise<unknown> {
  const { schema, schemaFile } = check;
  if ((schema === undefined) === (schemaFile === undefined)) {
    throw new CheckTrouble('exactly one of schema and schemaFile must be given');
  }
  if (schemaFile === undefined) return schema;
  const bytes = await readFileOf(root, schemaFile, MAX_BYTES);
  if (typeof bytes === 'string') throw new CheckTrouble(`the schema ${bytes}`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CheckTrouble(`the schema ${schemaFile} is not JSON: ${reasonOf(error)}`);
  }
}

function compile(schema: unknown): ValidateFunction {
  // One for each check: it remembers the schemas that it has seen, also under their `$id`.
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
  addFormats(ajv);
  try {
    return within(TIME_LIMIT_MS, () => ajv.compile(schema as object | boolean), 'the schema');
  } catch (error) {
    if (error instanceof CheckTrouble) throw error;
    throw new CheckTrouble(`the schema cannot be used: ${reasonOf(error)}`);
  }
}

function linesOf(errors: readonly ErrorObject[]): string[] {
  const lines = errors.slice(0, MAX_ERRORS).map((error) => {
    const { additionalProperty } = error.params as {
      additionalProperty?: string;
    };
    const name = additionalProperty === undefined ? '' : ` (${additionalProperty})`;
    return `${error.instancePath || 'the whole'} ${error.message ?? error.keyword}${name}`;
  });
  if (errors.length > MAX_ERRORS) lines.push(`and ${errors.length - MAX_ERRORS} errors more`);
  return lines;
}

const reasonOf = (error: unknown) => (error as Error).message ?? String(error);
