/**
 * The seams of a service: every call of what it is given (log, bus, content, leases, ...) passes two
 * named points, `<service>.before.<what>` and `<service>.after.<what>`. What happens at a point is
 * decided by whoever installs the seams: the simulator at its seeded will, a real process by the plan
 * in its environment (`failpoints.ts`). Where nobody installs them nothing is wrapped.
 *
 *   append.<Type>     the log, by the first event of the append      executor.after.append.RunEnded
 *   read.<what>       the log: stream, all, last, head               planner.before.read.stream
 *   send.<what>       the bus: work, evaluate, a verb, an event      planner.before.send.work
 *   take.<consumer>   a message was taken, its reaction not begun    executor.before.take.executor-echo
 *   ack.<consumer>    the reaction is done, not acknowledged         verifier.before.ack.verifier-evaluations
 *   apply.<name>      a page of a read model, in its transaction     planner.after.apply.directives
 *   <area>.<method>   anything else                                  executor.before.lease.acquire
 */
import type { EventLog, Projection } from '@writ/event-log';
import type { Bus, ConsumeOptions, Reaction } from '@writ/messaging';
import type { ConsumerDefinition } from '@writ/contracts';

/** `again`, before a call: it is made twice, and the first answer counts. */
export type Reached = 'go' | 'again';

export interface Points {
  /** Called at each point. May wait, throw, or never return: the process is gone then. */
  reach(point: string): Promise<Reached>;
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** What an area's methods are called in points; those that it says nothing about are left alone. */
type Naming = (method: string, args: readonly unknown[]) => string | undefined;

/** The same object, with points around the calls that `naming` has a name for. */
export function withPoints<T extends object>(
  service: string,
  target: T,
  points: Points,
  naming: Naming,
): T {
  return new Proxy(target, {
    get: (_, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      const call = (member as Call).bind(target);
      return (...args: unknown[]) => {
        const what = naming(String(key), args);
        if (what === undefined) return call(...args);
        return passing(service, what, points, () => call(...args));
      };
    },
  });
}

/** An area whose methods all return promises: `<area>.<method>`. */
export const areaWithPoints = <T extends object>(
  service: string,
  area: string,
  target: T,
  points: Points,
): T => withPoints(service, target, points, (method) => `${area}.${method}`);

export const logWithPoints = (service: string, log: EventLog, points: Points): EventLog =>
  withPoints(service, log, points, nameOfLogCall);

/** Both points are within the transaction that moves the checkpoint too. */
export const projectionWithPoints = (
  service: string,
  projection: Projection,
  points: Points,
): Projection =>
  withPoints(service, projection, points, (method) =>
    method === 'apply' ? `apply.${projection.name}` : undefined,
  );

export function busWithPoints(service: string, bus: Bus, points: Points): Bus {
  const consume = <T>(
    consumer: ConsumerDefinition,
    options: ConsumeOptions<T>,
    reaction: Reaction<T>,
  ) =>
    bus.consume<T>(consumer, options, async (message) => {
      await points.reach(`${service}.before.take.${consumer.name}`);
      const answer = await reaction(message);
      await points.reach(`${service}.before.ack.${consumer.name}`);
      return answer;
    });
  const sending = withPoints(service, bus, points, (method, [message]) =>
    method === 'send'
      ? `send.${nameOfSubject((message as { subject: string }).subject)}`
      : undefined,
  );
  return new Proxy(sending, {
    get: (target, key) => (key === 'consume' ? consume : (Reflect.get(target, key) as unknown)),
  });
}

async function passing(
  service: string,
  what: string,
  points: Points,
  call: () => Promise<unknown>,
): Promise<unknown> {
  const reached = await points.reach(`${service}.before.${what}`);
  const answer = await call();
  if (reached === 'again') await call().catch(() => undefined); // the first answer counts
  await points.reach(`${service}.after.${what}`);
  return answer;
}

function nameOfLogCall(method: string, [asked]: readonly unknown[]): string | undefined {
  switch (method) {
    case 'append': {
      const { events } = asked as { events: readonly { type: string }[] };
      return `append.${events[0]?.type ?? 'nothing'}`;
    }
    case 'readStream':
      return 'read.stream';
    case 'readAll':
      return 'read.all';
    case 'lastEvents':
      return 'read.last';
    case 'head':
      return 'read.head';
    default:
      return undefined;
  }
}

/** `writ.work.echo` is work, `writ.event.run.<id>.RunEnded` RunEnded, `writ.command....stop` stop. */
function nameOfSubject(subject: string): string {
  const [, kind = subject] = subject.split('.');
  const last = subject.slice(subject.lastIndexOf('.') + 1);
  return kind === 'event' || kind === 'command' ? last : kind;
}
