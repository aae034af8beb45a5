/**
 * Long work as lines of JSON: `{"progress": ...}` while it goes on, and last `{"result": ...}` or
 * `{"error": {code, message, details}}`, since the status line has gone out long before.
 */
import type { ServerResponse } from 'node:http';

import { asProblem } from './problem-filter';

export async function sendProgressLines(
  response: ServerResponse,
  work: (progress: (state: unknown) => void) => Promise<unknown>,
): Promise<void> {
  response.statusCode = 200;
  response.setHeader('Content-Type', 'application/x-ndjson; charset=utf-8');
  const line = (value: object) => {
    if (!response.writableEnded && !response.destroyed)
      response.write(`${JSON.stringify(value)}\n`);
  };
  response.flushHeaders();
  try {
    line({ result: await work((progress) => line({ progress })) });
  } catch (error) {
    const { code, message, details } = asProblem(error);
    line({ error: { code, message, ...(details === undefined ? {} : { details }) } });
  }
  response.end();
}
