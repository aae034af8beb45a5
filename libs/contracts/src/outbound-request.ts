/** What a directive may say about a request to somebody outside: of a step as of a check. */
import { z } from 'zod';

const HeaderName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a name of a header');
const HeaderValue = z
  .string()
  .max(8192)
  .regex(/^[^\0\r\n]*$/, 'holds a line break or a NUL byte');

export const HttpExpectation = z.strictObject({
  /** Default: any from 200 to 299. */
  status: z
    .union([
      z.number().int().min(100).max(599),
      z.array(z.number().int().min(100).max(599)).min(1).max(50),
    ])
    .optional(),
  bodyIncludes: z.string().min(1).max(10_000).optional(),
  /** In RE2's syntax; found anywhere in the body. */
  bodyMatches: z.string().min(1).max(2000).optional(),
});
export type HttpExpectation = z.infer<typeof HttpExpectation>;

export const outboundRequestFields = {
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).optional(),
  url: z
    .string()
    .max(8192)
    .regex(/^(https?:\/\/|\$\{)/, 'does not start with http:// or https://'),
  headers: z.record(HeaderName, HeaderValue).optional(),
  body: z.string().max(1_000_000).optional(),
  expect: HttpExpectation.optional(),
};
