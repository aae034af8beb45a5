import { plainLine, type RecordedEvent } from '@writ/contracts';

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
  const path =
    directive === undefined
      ? '/v1/events'
      : `/v1/directives/${encodeURIComponent(directive)}/events`;
  const print = (event: RecordedEvent) =>
    output.json ? output.value(event) : output.data(eventLine(event));
  let last = after;
  let left = limit;
  while (left > 0) {
    const asked = Math.min(PAGE, left);
    const page = await gateway.get<{ events: RecordedEvent[] }>(
      `${path}?after=${last}&limit=${asked}`,
    );
    page.events.forEach(print);
    left -= page.events.length;
    last = page.events.at(-1)?.position ?? last;
    if (page.events.length < asked) break;
  }
  if (follow && left > 0) await followOn(gateway, path, last, left, print);
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
