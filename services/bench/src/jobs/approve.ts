/**
 * A person approves, and the next step runs: directives whose every step waits for a person, one at a
 * time on an idle system. Latency is from the sending of the decision to the gateway until an executor
 * is heard to have claimed the next step's run; beside it, until the answer was there, and until the
 * step was heard to start.
 */
import type { DirectiveEventData, DirectiveFileInput } from '@writ/contracts';
import { directiveOf } from '../directive-shapes';
import type { Directives } from '../directives';
import { decideApproval } from '../gateway-client';
import { numberOf, type Job } from '../job';
import { latencyOf, type Latency } from '../measure';
import { measureRounds } from '../measure-rounds';
import { warmClient } from '../warm-up';

const LIMIT_MS = 60_000;

export const approve: Job = {
  name: 'approve',
  does: 'from the approval of a step to the next one running, on an idle system',
  options: [
    { name: 'directives', means: 'directives of one round, one after the other', standard: 20 },
    { name: 'steps', means: 'steps of each, in a row', standard: 3 },
  ],
  measure: async (stage, parameters) => {
    const client = await warmClient(stage);
    const heard = new Heard();
    await heard.listenTo(client);
    const count = numberOf(parameters, 'directives');
    const steps = numberOf(parameters, 'steps');
    const approvals: Approved[] = [];
    const measured = await measureRounds(stage, 'stepsPerSecond', async () => {
      const began = performance.now();
      const made: Approved[] = [];
      for (let at = 0; at < count; at += 1) {
        made.push(...(await approveAll(client, heard, stage.stack.gatewayUrl, steps)));
      }
      approvals.push(...made);
      const ms = performance.now() - began;
      return { count: count * steps, ms, latencies: made.map(({ claimedMs }) => claimedMs) };
    });
    const of = (pick: (it: Approved) => number): Latency => latencyOf(approvals.map(pick));
    return {
      ...measured,
      approvals: approvals.length,
      answeredMs: of(({ answeredMs }) => answeredMs),
      startedMs: of(({ startedMs }) => startedMs),
    };
  },
};

/** Of one approval behind which another step comes, from the sending on. */
interface Approved {
  readonly answeredMs: number;
  readonly startedMs: number;
  readonly claimedMs: number;
}

const nameOf = (at: number) => `step-${at}`;

/** Programs, since only what is executed is claimed. */
function directiveFor(steps: number): DirectiveFileInput {
  const all = Array.from({ length: steps }, (_, at) => ({
    ...{ name: nameOf(at), dependsOn: at === 0 ? [] : [nameOf(at - 1)] },
    ...{ adapter: { kind: 'shell' as const, script: 'true' }, verify: 'none' as const },
    cache: false,
  }));
  return directiveOf(all, { autonomy: 'manual' });
}

async function approveAll(
  client: Directives,
  heard: Heard,
  gatewayUrl: string,
  steps: number,
): Promise<Approved[]> {
  const id = await client.accepted(directiveFor(steps));
  const made: Approved[] = [];
  for (let at = 0; at < steps; at += 1) {
    const { approvalId, digest } = await heard.asked(id, nameOf(at));
    const began = performance.now();
    const answered = decideApproval(gatewayUrl, approvalId, digest).then(() => performance.now());
    if (at === steps - 1) {
      await answered;
      continue;
    }
    const next = nameOf(at + 1);
    const claimedAt = await heard.at(`RunClaimed ${id}-g1-${next}-a1`);
    const startedAt = await heard.at(`StepStarted ${id} ${next}`);
    made.push({
      answeredMs: (await answered) - began,
      startedMs: startedAt - began,
      claimedMs: claimedAt - began,
    });
  }
  const end = await client.endOf(id);
  if (end !== 'DirectiveCompleted') throw new Error(`a directive ended as ${end}`);
  return made;
}

type Asked = DirectiveEventData<'ApprovalRequested'>;

/** Events as they pass, each by what it is about; waited for from before or after it comes. */
class Heard {
  private readonly times = new Map<string, number>();
  private readonly approvals = new Map<string, Asked>();
  private readonly waiting = new Map<string, (at: number) => void>();

  async listenTo(client: Directives): Promise<void> {
    await client.hear('run', 'RunClaimed', (runId) => this.note(`RunClaimed ${runId}`));
    await client.hear('directive', 'StepStarted', (id, data) => {
      this.note(`StepStarted ${id} ${(data as DirectiveEventData<'StepStarted'>).step}`);
    });
    await client.hear('directive', 'ApprovalRequested', (id, data) => {
      const asked = data as Asked;
      this.approvals.set(`ApprovalRequested ${id} ${asked.step}`, asked);
      this.note(`ApprovalRequested ${id} ${asked.step}`);
    });
  }

  async asked(id: string, step: string): Promise<Asked> {
    const what = `ApprovalRequested ${id} ${step}`;
    await this.at(what);
    const asked = this.approvals.get(what);
    if (asked === undefined) throw new Error(`nothing is known of ${what}`);
    return asked;
  }

  /** When it was heard. */
  at(what: string): Promise<number> {
    const known = this.times.get(what);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${what} was not heard within ${LIMIT_MS} ms`));
      const timer = setTimeout(late, LIMIT_MS);
      this.waiting.set(what, (at) => {
        clearTimeout(timer);
        resolve(at);
      });
    });
  }

  private note(what: string): void {
    const at = performance.now();
    this.times.set(what, at);
    this.waiting.get(what)?.(at);
    this.waiting.delete(what);
  }
}
