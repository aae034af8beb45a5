/**
 * The environment of a process: read once, checked once, every bad variable told at once. A schema
 * is a zod object whose members are made by `variable`, so that the error, the README's table and
 * the check come from one place. An empty variable counts as not set, as compose files leave them.
 */
import { z } from 'zod';

export interface VariableNotes {
  /** What it is for, as a phrase: "where the event log is". */
  means: string;
  example: string;
  /** Its value is never shown. */
  secret?: boolean;
}

/** Adds to a schema what people need to know about the variable. */
export function variable<S extends z.ZodType>(schema: S, notes: VariableNotes): S {
  return schema.meta({ ...notes }) as S;
}

export class EnvironmentError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the environment cannot be used:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'EnvironmentError';
  }
}

const notesOf = (schema: z.ZodType): VariableNotes => {
  const { means, example, secret } = (schema.meta() ?? {}) as Partial<VariableNotes>;
  return { means: means ?? '', example: example ?? '', secret: secret === true };
};

/** Throws EnvironmentError naming every bad variable: what is wrong, what it means, an example. */
export function readEnvironment<S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.infer<S> {
  const names = Object.keys(schema.shape);
  const given = Object.fromEntries(
    names.map((name) => [name, env[name] === '' ? undefined : env[name]]),
  );
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new EnvironmentError(
    result.error.issues.map((issue) => {
      const name = String(issue.path[0] ?? '');
      const member = schema.shape[name];
      if (!member) return issue.message;
      const { means, example, secret } = notesOf(member as z.ZodType);
      const value = given[name];
      const wrong =
        value === undefined
          ? 'is not set'
          : `${secret ? '' : `is ${JSON.stringify(value)}: `}${issue.message}`;
      return `${name} ${wrong}; it says ${means}, for example ${name}=${example}`;
    }),
  );
}

export interface VariableRow {
  name: string;
  means: string;
  example: string;
  /** What holds when it is not set; absent when there is no default. */
  default?: string;
  required: boolean;
}

/** One row for each variable, for the documents. */
export function describeEnvironment(schema: z.ZodObject): VariableRow[] {
  return Object.entries(schema.shape).map(([name, member]) => {
    const whenUnset = (member as z.ZodType).safeParse(undefined);
    const { means, example } = notesOf(member as z.ZodType);
    const value = whenUnset.success ? whenUnset.data : undefined;
    return {
      name,
      means,
      example,
      ...(value === undefined ? {} : { default: String(value) }),
      required: !whenUnset.success,
    };
  });
}

/** The rows as a Markdown table, as a README holds it. */
export function environmentTable(schema: z.ZodObject): string {
  const rows = describeEnvironment(schema).map(
    (row) =>
      `| \`${row.name}\` | ${row.means} | ${row.required ? 'required' : (row.default ?? 'none')} |`,
  );
  return ['| variable | says | default |', '|---|---|---|', ...rows].join('\n');
}
