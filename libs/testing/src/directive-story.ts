/** The story of one directive as specs tell it: what happens to it, and what it makes of that. */
import { createHash } from 'node:crypto';
import {
  approvalIdOf,
  DirectiveFile,
  type DirectiveEvent,
  type RunEnded,
  type WorkspaceEvent,
} from '@writ/contracts';
import {
  directiveDecider,
  planExplicit,
  type Approval,
  type CastVote,
  type Directive,
  type DirectiveCommand,
  type DirectiveState,
} from '@writ/domain';
import { DeciderHistory } from './decider-history';

/** Of the directive. */
export const storyId = 'abcdefgh12345678';

export type StoryStep = { name: string; dependsOn?: string[] } & Record<string, unknown>;

/** A directive file of echo steps, with `verify: none` unless they say otherwise. */
export function storyFile(steps: StoryStep[], more: Record<string, unknown> = {}): DirectiveFile {
  return DirectiveFile.parse({
    title: 'A title',
    goal: 'A goal',
    chain: {
      steps: steps.map((step) => ({ adapter: { kind: 'echo' }, verify: 'none', ...step })),
    },
    ...more,
  });
}

export class DirectiveStory extends DeciderHistory<
  DirectiveState,
  DirectiveCommand,
  DirectiveEvent
> {
  constructor() {
    super(directiveDecider, `directive-${storyId}`);
  }

  create(written: DirectiveFile, more: { commandId?: string; start?: boolean } = {}): string[] {
    const plan = planExplicit(written);
    if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
    return this.typesWhen({
      type: 'create',
      commandId: more.commandId ?? 'create-1',
      directiveId: storyId,
      ...plan,
      contentDigest: `sha256:${'a'.repeat(64)}`,
      start: more.start ?? true,
    });
  }

  get directive(): Directive {
    if (this.state.status === 'absent') throw new Error('absent');
    return this.state;
  }

  end(step: string, more: Partial<RunEnded> = {}): string[] {
    return this.typesWhen({ type: 'note-runs', ends: [this.ended(step, more)] });
  }

  ended(step: string, more: Partial<RunEnded> = {}): RunEnded {
    return {
      runId: `${storyId}-g1-${step}-a1`,
      directiveId: storyId,
      step,
      attempt: 1,
      claim: 1,
      executorId: 'e',
      adapter: { kind: 'echo', version: '1' },
      result: 'success',
      stages: [],
      attempts: [],
      exitCode: 0,
      artifacts: [],
      durationMs: 1,
      ...more,
    };
  }

  evaluate(
    step: string,
    level: 'green' | 'yellow' | 'red' | 'unknown',
    runId = this.runIdOf(step),
  ): string[] {
    const confidence = { score: level === 'red' ? 0 : 1, level };
    const about = {
      runId,
      directiveId: storyId,
      step,
      checks: [],
      summary: 'checks say',
      durationMs: 1,
    };
    return this.typesWhen({ type: 'note-evaluation', evaluation: { ...about, confidence } });
  }

  /** Ends and judges the present attempt. */
  attempt(step: string, score: number, made = String(score)): string[] {
    const runId = this.runIdOf(step);
    const digest = `sha256:${createHash('sha256').update(made).digest('hex')}`;
    this.end(step, { runId, artifacts: [{ path: 'out', digest, bytes: 1 }] });
    const level = score === 1 ? ('green' as const) : ('red' as const);
    const check = { name: 'tests', kind: 'program', required: true, weight: 1, durationMs: 1 };
    const outcome = score === 1 ? ('passed' as const) : ('failed' as const);
    const evaluation = {
      ...{ runId, directiveId: storyId, step, summary: 'checks say', durationMs: 1 },
      checks: [{ ...check, outcome, message: 'it ended with 1', tail: 'expected 4' }],
      confidence: { score, level },
    };
    return this.typesWhen({ type: 'note-evaluation', evaluation });
  }

  runIdOf(step: string): string {
    return this.directive.chain.get(step)?.runId ?? `${storyId}-g1-${step}-a1`;
  }

  approval(step: string): Approval {
    const found = this.directive.approvals.get(approvalIdOf(this.runIdOf(step)));
    if (found === undefined) throw new Error(`nobody is asked about ${step}`);
    return found;
  }

  vote(step: string, more: Partial<CastVote> = {}): string[] {
    const { approvalId, digest } = this.approval(step).request;
    const decision = more.decision ?? 'approve';
    return this.typesWhen({
      ...{ type: 'vote', approvalId, digest, decision, by: { id: 'alice' }, now: '2026-01-01' },
      ...{
        commandId: `vote-${this.events.length}`,
        verb: decision === 'approve' ? decision : 'deny',
      },
      ...more,
    });
  }

  workspace(event: WorkspaceEvent): string[] {
    return this.typesWhen({ type: 'note-workspace', event });
  }

  statusOf(step: string): string | undefined {
    return this.directive.chain.get(step)?.status;
  }
}

/** One that runs the first of two steps. */
export const runningStory = () => {
  const story = new DirectiveStory();
  story.create(storyFile([{ name: 'one' }, { name: 'two', dependsOn: ['one'] }]));
  return story;
};
