import type { IncomingMessage } from 'node:http';

import { Problem } from './problem';

/** Every POST names itself, so that one whose answer was lost can be sent again without harm. */
export function idempotencyKeyOf(request: IncomingMessage): string {
  const key = request.headers['idempotency-key'];
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  const detail =
    key === undefined
      ? 'the header Idempotency-Key is missing; send a new UUID, and the same one when you repeat'
      : 'the header Idempotency-Key must have 1 to 200 printable characters without blanks';
  throw new Problem('malformed', detail);
}
