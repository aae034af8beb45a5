/**
 * The people of a simulated world: they look now and then at what waits for them, and decide, some of
 * it twice or about something that is no more.
 */
import type { Directive } from '@writ/domain';
import type { SeededRandom } from '@writ/testing';
import type { PlannedCommand } from './workload';

/** Who has decided hears of it within so long, or looks again. */
const AGAIN_MS = 4_000;

export class People {
  private readonly decidedAt = new Map<string, number>();
  private commands = 0;

  constructor(private readonly random: SeededRandom) {}

  /** What they say about this directive now. */
  decide(directive: Directive, nowMs: number): PlannedCommand[] {
    const commands: PlannedCommand[] = [];
    for (const [approvalId, { status, request }] of directive.approvals) {
      const last = this.decidedAt.get(approvalId) ?? -Infinity;
      if (status !== 'pending' || nowMs - last < AGAIN_MS) continue;
      this.decidedAt.set(approvalId, nowMs);
      const stale = this.random.chance(0.1);
      const digest = stale ? request.digest.replace(/.$/, '_').replace('_', '0') : request.digest;
      const command = this.command(directive.id, approvalId, digest, nowMs + 80);
      commands.push(command);
      if (this.random.chance(0.2)) commands.push({ ...command, atMs: nowMs + 500 });
      if (this.random.chance(0.1)) commands.push(...this.talk(directive.id, approvalId, nowMs));
    }
    return commands;
  }

  /** Somebody asks before he decides, somebody answers. */
  private talk(directiveId: string, approvalId: string, nowMs: number): PlannedCommand[] {
    this.commands += 1;
    const about = { directiveId, how: 'ask' } as const;
    const said = { directiveId, approvalId };
    const ask = { verb: 'ask', commandId: `ask-${this.commands}`, atMs: nowMs - 40 } as const;
    const answer = { verb: 'answer', commandId: `answer-${this.commands}`, atMs: nowMs } as const;
    return [
      { ...about, ...ask, data: { ...said, question: 'why?' } },
      { ...about, ...answer, data: { ...said, text: 'so' } },
    ];
  }

  private command(
    directiveId: string,
    approvalId: string,
    digest: string,
    atMs: number,
  ): PlannedCommand {
    const says = this.random.pick(['approve', 'approve', 'approve', 'deny', 'rework'] as const);
    const about = { directiveId, approvalId, digest };
    this.commands += 1;
    return {
      ...{ atMs, commandId: `vote-${this.commands}`, directiveId, how: 'ask' },
      verb: says === 'approve' ? says : 'deny',
      data: says === 'approve' ? about : { ...about, rework: says === 'rework' },
    };
  }
}
