import { plainLine, type RecordedEvent } from '@writ/contracts';

import { directivePath } from '../api-path';
import { CliError } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';

interface EventsOptions extends CommonOptions {
  readonly directive?: string;
  readonly after?: number;
  readonly limit?: number;
  readonly follow: boolean;
}

const PAGE = 1_000;
const PAUSE_MS = 500;

export async function events(options: EventsOptions): Promise<void> {
  const output = new Output(options);
  const gateway = Gateway.find();
  const { directive, after = 0, limit = Infinity, follow } = options;
  const path = directive === undefined ? '/v1/events' : `${directivePath(directive)}/events`;
  const print = (event: RecordedEvent) =>
    output.json ? output.value(event) : output.data(eventLine(event));
  let last = after;
  let left = limit;
  for (let isLast = false; left > 0 && !isLast;) {
    const page = await pageAfter(gateway, path, last, Math.min(PAGE, left));
    page.events.forEach(print);
    await output.taken();
    left -= page.events.length;
    last = page.events.at(-1)?.position ?? last;
    isLast = page.isLast;
  }
  if (follow && left > 0) await followOn(gateway, path, last, left, print);
}

/** What is too large for one answer is asked for in smaller pages. */
export async function pageAfter(gateway: Gateway, path: string, after: number, most: number) {
  for (let limit = most; ; limit = Math.ceil(limit / 4)) {
    try {
      const { events } = await gateway.get<{ events: RecordedEvent[] }>(
        `${path}?after=${after}&limit=${limit}`,
      );
      return { events, isLast: events.length < limit };
    } catch (error) {
      if (limit === 1 || !(error instanceof CliError) || error.code !== 'too_large') throw error;
    }
  }
}

/** Until it is ended by Ctrl-C or the limit; goes on where it was when the stream breaks. */
async function followOn(
  gateway: Gateway,
  path: string,
  after: number,
  limit: number,
  print: (event: RecordedEvent) => void,
): Promise<void> {
  const leave = new AbortController();
  let last = after;
  let left = limit;
  for (;;) {
    try {
      for await (const { data } of gateway.events(`${path}?after=${last}`, leave.signal)) {
        const event = JSON.parse(data) as RecordedEvent;
        print(event);
        last = event.position;
        left -= 1;
        if (left === 0) return leave.abort();
      }
    } catch (error) {
      // The gateway said no, or has been away for long; a stream that broke off is taken up again.
      if (error instanceof CliError) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function eventLine(event: RecordedEvent): string {
  const data = event.data as { step?: string; reason?: string; result?: string };
  const about = [data.step, data.result, data.reason].filter((it) => it !== undefined).join(' ');
  const place = String(event.position).padStart(7);
  const line = `${place}  ${event.recordedAt.slice(0, 23)}  ${event.type.padEnd(22)} ${event.stream}`;
  return about === '' ? line : `${line}  ${plainLine(about)}`;
}
