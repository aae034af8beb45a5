/** The OpenAPI 3.1 document, written from the table of routes and the schemas. */
import { z } from 'zod';

import { statusOf, titleOf, type ProblemCode } from '../http/problem';
import { CreateScheduleBody, SubmitBody } from '../http-documents';
import type { Route } from '../route';
import { routes } from '../routes';
import { VERSION } from '../version';

const ProblemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum(Object.keys(statusOf) as [ProblemCode, ...ProblemCode[]]),
  details: z.unknown().optional(),
  instance: z.string(),
});

export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, route] of Object.entries(routes as Record<string, Route>)) {
    (paths[route.path] ??= {})[route.method] = operation(name, route);
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Writ',
      version: VERSION,
      description:
        'Directives in, events out. Errors are problem documents (RFC 9457) with a stable code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { basic: [] }, {}],
    paths,
    components: {
      schemas: { Problem: jsonSchema(ProblemSchema, 'output') },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'WRIT_TOKEN, when it is set' },
        basic: { type: 'http', scheme: 'basic', description: 'WRIT_TOKEN as the password' },
      },
    },
  };
}

/** Of those whose handlers tell each issue themselves. */
const wholeBodies: Readonly<Record<string, z.ZodType>> = {
  submitDirective: SubmitBody,
  createSchedule: CreateScheduleBody,
};

function operation(operationId: string, route: Route): object {
  const body = wholeBodies[operationId] ?? route.body;
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...(route.idempotent ? [IDEMPOTENCY_KEY] : []),
    ...('text/event-stream' in route.answers ? [LAST_EVENT_ID] : []),
  ];
  return {
    operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(body, route.bodyType),
    responses: responses(route),
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  description: 'New for each request; the same when one is repeated, which then has no new effect.',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
};

const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'The id of the last message seen, to go on after it.',
  schema: { type: 'string', pattern: '^\\d{1,15}$' },
};

function parametersOf(schema: z.ZodObject | undefined, where: 'path' | 'query'): object[] {
  return Object.entries(schema?.shape ?? {}).map(([name, member]) => ({
    name,
    in: where,
    required: where === 'path' || !(member as z.ZodType).safeParse(undefined).success,
    schema: jsonSchema(member as z.ZodType, 'output'),
  }));
}

function requestBody(schema: z.ZodType | undefined, type: string | undefined): object {
  if (type !== undefined) return { requestBody: { required: true, content: { [type]: {} } } };
  if (schema === undefined) return {};
  const content = { 'application/json': { schema: jsonSchema(schema, 'input') } };
  return { requestBody: { required: true, content } };
}

function responses(route: Route): object {
  const content = Object.entries(route.answers).map(([type, schema]) => [
    type,
    schema === null ? {} : { schema: jsonSchema(schema, 'output') },
  ]);
  const problems = [...new Set([400, ...route.problems, 503])].sort();
  return {
    [route.status ?? 200]: { description: 'done', content: Object.fromEntries(content) },
    ...Object.fromEntries(problems.map((status) => [status, problemResponse(status)])),
  };
}

function problemResponse(status: number): object {
  const codes = Object.entries(statusOf).filter(([, it]) => it === status);
  const description = codes.map(([code]) => `${code}: ${titleOf[code as ProblemCode]}`).join('; ');
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

/** Without the marks that belong at the top of a schema of its own. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const written = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  const { $schema: _, id: __, ...rest } = written as Record<string, unknown>;
  return rest;
}
