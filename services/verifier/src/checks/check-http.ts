/**
 * The check `http`: somebody outside answers as expected. A wrong answer has failed; where there was
 * none, or none may be asked for, the check could not run.
 */
import type { CheckOf } from '@writ/contracts';
import { OutboundTrouble, redactedHeaders, whatIsWrong } from '@writ/outbound-http';
import { CheckTrouble, type CheckContext, type Verdict } from './verdict';

const DEFAULT_TIMEOUT_MS = 30_000;
const KEPT_CHARACTERS = 4_000;
const SHORTEST_SECRET = 6;

export async function checkHttp(check: CheckOf<'http'>, context: CheckContext): Promise<Verdict> {
  const { url, headers, body, expect, timeoutMs = DEFAULT_TIMEOUT_MS } = check;
  const method = check.method ?? (body === undefined ? 'GET' : 'POST');
  try {
    const asked = { method, url, headers, body, timeoutMs, signal: context.signal };
    const answer = await context.ask(asked);
    const wrong = whatIsWrong(answer, expect);
    const text = withoutValues(answer.body.toString('utf8'), headers);
    const log = [
      `${method} ${url}`,
      ...Object.entries(redactedHeaders(headers)).map(([name, value]) => `${name}: ${value}`),
      '',
      `${answer.status} from ${answer.url}`,
      text.slice(0, KEPT_CHARACTERS),
      ...(answer.truncated || text.length > KEPT_CHARACTERS ? ['...'] : []),
    ].join('\n');
    const message = wrong ?? `${answer.url} answered with status ${answer.status}`;
    return { outcome: wrong === undefined ? 'passed' : 'failed', message, log: `${log}\n` };
  } catch (error) {
    if (error instanceof OutboundTrouble) throw new CheckTrouble(error.message);
    throw error;
  }
}

/** Some answer with what they were asked: what went out in a header does not come back as evidence. */
const withoutValues = (text: string, headers: Readonly<Record<string, string>> = {}) =>
  Object.values(headers)
    .filter((value) => value.length >= SHORTEST_SECRET)
    .reduce((rest, value) => rest.replaceAll(value, '[redacted]'), text);
