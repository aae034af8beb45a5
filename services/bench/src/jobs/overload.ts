/**
 * Finds the peak with as many directives under way as are wise, then offers several times that for a
 * while, open loop. Goodput is what is completed while more is offered than can be done. Every second
 * another command is sent, which must be answered whatever the load, and memory is looked at.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { StoredEvent } from '@writ/event-log';
import { chainOf, chainTexts } from '../directive-shapes';
import { requireCompleted, type Directives } from '../directives';
import { numberOf, type Job } from '../job';
import { LogWatch } from '../log-watch';
import { latencyOf, rounded } from '../measure';
import { httpDoor, natsDoor, offerLoad } from '../offer-load';
import { usageBetween, usageOf } from '../usage';
import { warmClient } from '../warm-up';

const LOOK_EVERY_MS = 1_000;
const DRAIN_LIMIT_MS = 300_000;

export const overload: Job = {
  name: 'overload',
  does: 'finds the peak, then offers several times as much for a while',
  rounds: 1,
  options: [
    { name: 'steps', means: 'steps of a directive', standard: 10 },
    { name: 'atOnce', means: 'directives under way while the peak is looked for', standard: 200 },
    { name: 'peakSeconds', means: 'how long the peak is looked for', standard: 15 },
    { name: 'times', means: 'the load that is offered, in peaks', standard: 10 },
    { name: 'seconds', means: 'how long it is offered', standard: 60 },
    { name: 'door', means: 'where it is offered', standard: 'http', oneOf: ['http', 'nats'] },
  ],
  measure: async (stage, parameters) => {
    const { stack, say } = stage;
    const steps = numberOf(parameters, 'steps');
    const seconds = numberOf(parameters, 'seconds');
    const client = await warmClient(stage);
    const ends = new Ends();
    const watch = await LogWatch.open(stack.databaseUrl, (event) => ends.saw(event));
    try {
      say('looking for the peak');
      const atOnce = numberOf(parameters, 'atOnce');
      const peak = await peakOf(client, ends, steps, atOnce, numberOf(parameters, 'peakSeconds'));
      const perSecond = peak * numberOf(parameters, 'times');
      say(`the peak is ${rounded(peak)} directives/s; offering ${Math.round(perSecond)}`);
      const probe = new Probe(await stage.connect(), stack.pids);
      await probe.prepare(Math.ceil(seconds));
      const before = usageOf(stack.pids);
      const from = Date.now();
      probe.begin();
      const door = parameters['door'] === 'http' ? httpDoor(stack.gatewayUrl) : natsDoor(client);
      const offering = offerLoad(door, chainTexts(steps), { perSecond, seconds });
      await wait(seconds * 1_000);
      const to = Date.now();
      const usage = usageBetween(before, usageOf(stack.pids));
      const [offered] = await Promise.all([offering, probe.end()]);
      say(`waiting for ${offered.accepted.length} accepted directives`);
      const last = await ends.untilAll(offered.accepted);
      const goodput = ends.completedBetween(from, to) / ((to - from) / 1_000);
      return {
        seconds,
        directivesPerSecond: rounded(goodput),
        latencyMs: latencyOf(offered.answerMs),
        peakPerSecond: rounded(peak),
        offeredPerSecond: rounded(offered.offered / seconds),
        goodputOfPeak: rounded(goodput / peak),
        drainSeconds: rounded(Math.max(0, last - to) / 1_000),
        offered: offered.offered,
        accepted: offered.accepted.length,
        refused: offered.refused,
        lost: offered.lost.length,
        firstLost: offered.lost[0],
        ...probe.seen,
        ...usage,
      };
    } finally {
      await watch.close();
    }
  },
};

/** When directives ended, by the log: whoever offers too much may be late to hear of it himself. */
class Ends {
  private readonly at = new Map<string, number>();
  private completed: number[] = [];

  saw({ type, stream, recordedAt }: StoredEvent): void {
    if (!/^Directive(Completed|Failed|Stopped)$/.test(type)) return;
    const at = Date.parse(recordedAt);
    this.at.set(stream.slice('directive-'.length), at);
    if (type === 'DirectiveCompleted') this.completed.push(at);
  }

  get count(): number {
    return this.completed.length;
  }

  completedBetween(from: number, to: number): number {
    return this.completed.filter((at) => at >= from && at < to).length;
  }

  /** Of these, when the last one ended. Throws when one does not, or not as it should. */
  async untilAll(ids: readonly string[]): Promise<number> {
    const deadline = Date.now() + DRAIN_LIMIT_MS;
    while (ids.some((id) => !this.at.has(id))) {
      if (Date.now() > deadline) throw new Error(`not drained within ${DRAIN_LIMIT_MS} ms`);
      await wait(100);
    }
    if (this.completed.length < this.at.size) throw new Error('a directive did not complete');
    return Math.max(0, ...ids.map((id) => this.at.get(id) ?? 0));
  }
}

/**
 * Directives a second with so many under way at any time. Counted from when as many have ended: those
 * that began together end together, and a window that cuts such a wave measures nothing.
 */
async function peakOf(
  client: Directives,
  ends: Ends,
  steps: number,
  atOnce: number,
  seconds: number,
): Promise<number> {
  let from: number | undefined;
  let to: number | undefined;
  const look = () => {
    const now = Date.now();
    if (ends.count >= atOnce) from ??= now;
    if (from !== undefined && now - from >= seconds * 1_000) to ??= now;
  };
  const one = async () => {
    while (to === undefined) {
      requireCompleted([await client.run(chainOf(steps))]);
      look();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  if (from === undefined || to === undefined) throw new Error('the peak was not found');
  return ends.completedBetween(from, to) / ((to - from) / 1_000);
}

/** Looks at memory, and sends commands that are no new directives. */
class Probe {
  readonly seen = {
    otherCommandMs: latencyOf([]),
    otherRefused: 0,
    otherLost: 0,
    highestRssMiB: {},
  };
  private readonly drafts: string[] = [];
  private readonly latencies: number[] = [];
  private over = false;
  private working: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: Directives,
    private readonly pids: Readonly<Record<string, number>>,
  ) {}

  /** Directives to send commands to. */
  async prepare(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      this.drafts.push((await this.client.run(chainOf(1))).directiveId);
    }
  }

  begin(): void {
    this.working = this.work();
  }

  async end(): Promise<void> {
    this.over = true;
    await this.working;
    this.seen.otherCommandMs = latencyOf(this.latencies);
  }

  private async work(): Promise<void> {
    const highest = new Map<string, number>();
    while (!this.over) {
      const asked = performance.now();
      const id = this.drafts.pop();
      if (id !== undefined) {
        const answer = await this.client.tell('archive', id).catch(() => undefined);
        this.latencies.push(performance.now() - asked);
        if (answer === undefined) this.seen.otherLost += 1;
        else if (!answer.ok) this.seen.otherRefused += 1;
      }
      for (const [name, rss] of Object.entries(usageOf(this.pids).rssMiB)) {
        highest.set(name, Math.max(rss, highest.get(name) ?? 0));
      }
      this.seen.highestRssMiB = Object.fromEntries(highest);
      await wait(Math.max(0, LOOK_EVERY_MS - (performance.now() - asked)));
    }
  }
}
