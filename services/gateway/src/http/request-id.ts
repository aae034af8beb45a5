import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

const HEADER = 'Request-Id';

/** Every response names its request, so that a person can quote it and the log be searched for it. */
export function giveRequestId(response: ServerResponse): void {
  response.setHeader(HEADER, randomUUID());
}

export function requestIdOf(response: ServerResponse): string {
  const given = response.getHeader(HEADER);
  return typeof given === 'string' ? given : randomUUID();
}
