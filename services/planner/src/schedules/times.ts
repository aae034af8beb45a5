/**
 * The times of a cron expression in a time zone. Owns what of the library's language is taken, and
 * that working out times that were missed costs a bounded time, however long nobody looked.
 *
 * Where the clocks are put forward, a time that is left out happens as much later as they were put; where
 * they are put back, what would happen twice happens once, the second time (see schedules in FORMATS).
 */
import { type Issue, nearest, type ScheduleTrigger } from '@writ/contracts';
import { Cron } from 'croner';

type Clockwork = Extract<ScheduleTrigger, { kind: 'cron' }>;

/** So many times that are due are named; those before them are only known to be there. */
export const DUE_LIMIT = 100;
/** One time costs about 0.3 ms to work out. */
const WORKED_OUT_AT_ONCE = 500;
const FIRST_SPAN_MS = 100_000;

const known = new Map<string, Cron>();
const MOST_KNOWN = 1_000;

function cronOf({ cron, timezone }: Clockwork): Cron {
  const name = `${timezone} ${cron}`;
  const found = known.get(name) ?? new Cron(cron, { timezone });
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(name, found);
  return found;
}

/** Undefined when it has times to come. */
export function faultOfClockwork(trigger: Clockwork, now: string): Issue | undefined {
  const issue = (code: string, path: string, message: string) => ({ code, path, message });
  if (!isTimeZone(trigger.timezone)) {
    const near = nearest(trigger.timezone, Intl.supportedValuesOf('timeZone'));
    const hint = near === undefined ? 'write it as Europe/Berlin' : `did you mean "${near}"?`;
    const message = `there is no time zone "${trigger.timezone}"; ${hint}`;
    return issue('unknown_value', '/trigger/timezone', message);
  }
  try {
    if (cronOf(trigger).nextRun(new Date(now)) !== null) return undefined;
    return issue('never', '/trigger/cron', `"${trigger.cron}" names a time that never comes`);
  } catch (error) {
    const said = (error as Error).message.replace(/^CronPattern: /, '');
    return issue('invalid_value', '/trigger/cron', `"${trigger.cron}": ${said}`);
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The next ones after a time, in UTC. */
export function nextTimes(trigger: ScheduleTrigger, after: string, count: number): string[] {
  if (trigger.kind !== 'cron') return [];
  return cronOf(trigger)
    .nextRuns(count, new Date(after))
    .map((time) => time.toISOString());
}

export interface Due {
  /** The latest of them, in order. */
  readonly times: readonly string[];
  /** The first, when it is not among them. */
  readonly from?: string;
}

/** What is after one time and not after another. */
export function dueTimes(trigger: ScheduleTrigger, after: string, now: string): Due {
  const [from] = nextTimes(trigger, after, 1);
  const end = Date.parse(now);
  if (trigger.kind !== 'cron' || from === undefined || Date.parse(from) > end) return { times: [] };
  const begin = Date.parse(after);
  for (let span = FIRST_SPAN_MS; ; span *= 4) {
    const start = Math.max(begin, end - span);
    const found = workOut(cronOf(trigger), start, end);
    if (start > begin && found.all && found.times.length < DUE_LIMIT) continue;
    const latest = found.all ? found.times : narrow(cronOf(trigger), start, end);
    const times = latest.slice(-DUE_LIMIT).map((time) => new Date(time).toISOString());
    return { times, ...(times[0] === from ? {} : { from }) };
  }
}

interface WorkedOut {
  readonly times: readonly number[];
  /** There are no more. */
  readonly all: boolean;
}

function workOut(cron: Cron, start: number, end: number): WorkedOut {
  const times: number[] = [];
  let at = start;
  while (times.length < WORKED_OUT_AT_ONCE) {
    const next = cron.nextRun(new Date(at))?.getTime() ?? Infinity;
    if (next > end) return { times, all: true };
    times.push(next);
    at = next;
  }
  return { times, all: false };
}

/** The latest, where there are too many after `start` and few may be long before `end`. */
function narrow(cron: Cron, start: number, end: number): readonly number[] {
  let [many, few] = [start, end];
  for (;;) {
    const middle = (many + few) / 2;
    const { times, all } = workOut(cron, middle, end);
    if (!all) many = middle;
    else if (times.length < DUE_LIMIT && few - many > 1_000) few = middle;
    else return times;
  }
}
