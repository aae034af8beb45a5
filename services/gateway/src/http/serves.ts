/** Ties a handler to its line in the table of routes, and what it takes to the schemas there. */
import { applyDecorators, HttpCode, RequestMapping, RequestMethod } from '@nestjs/common';
import { explainIssues } from '@writ/contracts';
import type { z } from 'zod';

import type { Route } from '../route';
import { Problem } from './problem';

const methods = {
  get: RequestMethod.GET,
  post: RequestMethod.POST,
  put: RequestMethod.PUT,
} as const;

export function Serves(route: Route): MethodDecorator {
  const path = route.path.replace(/\{(\w+)\}/g, ':$1');
  return applyDecorators(
    RequestMapping({ path, method: methods[route.method] }) as MethodDecorator,
    HttpCode(route.status ?? 200) as MethodDecorator,
  );
}

interface Pipe {
  transform(value: unknown): unknown;
}

/** A pipe that reads what came by its schema; throws Problem malformed with every issue. */
export function checked(schema: z.ZodType): Pipe {
  return refusing('malformed', schema);
}

/** The same for the name of what is asked for: under a name that cannot be one there is nothing. */
export function named(schema: z.ZodType): Pipe {
  return refusing('not_found', schema);
}

function refusing(code: 'malformed' | 'not_found', schema: z.ZodType): Pipe {
  return {
    transform(value: unknown) {
      const given = typeof value === 'object' && value !== null ? { ...value } : value;
      const result = schema.safeParse(given);
      if (result.success) return result.data;
      const issues = explainIssues(schema, result.error, given);
      const sentence = issues.map((issue) => issue.message).join('; ');
      throw new Problem(code, sentence, { issues });
    },
  };
}
