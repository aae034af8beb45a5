/** The form of a route of the HTTP interface, and what many routes have. */
import { DirectiveId, RunId } from '@writ/contracts';
import { z } from 'zod';

export interface Route {
  readonly method: 'get' | 'post' | 'put';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly summary: string;
  /** More than the summary says, for the document. */
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Of a JSON body. */
  readonly body?: z.ZodType;
  /** Media type of a body that is no JSON. */
  readonly bodyType?: string;
  /** Needs the header Idempotency-Key: the same key again gives the first answer again. */
  readonly idempotent?: true;
  /** Of success; default 200. */
  readonly status?: number;
  /** Media type -> schema of the answer, null where it has none. */
  readonly answers: Readonly<Record<string, z.ZodType | null>>;
  /** Statuses of problem documents besides 400 and 503. */
  readonly problems: readonly number[];
}

export const json = (schema: z.ZodType | null) => ({ 'application/json': schema });
export const directiveId = z.strictObject({ id: DirectiveId });
export const runId = z.strictObject({ id: RunId });
export const nothing = z.strictObject({});
/** So many of a list. */
export const limit = z.coerce.number().int().min(1).max(1000);
