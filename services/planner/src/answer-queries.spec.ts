import {
  streamOf,
  type DirectiveDocument,
  type EvaluationCompleted,
  type NewEvent,
} from '@writ/contracts';
import { directiveDecider } from '@writ/domain';
import { Aggregates, MemoryLog, uuidV7 } from '@writ/event-log';
import { DirectiveStory, storyFile, storyId } from '@writ/testing';
import { answerDirective } from './answer-queries';
import type { Planner } from './planner';

const newEvent = (type: string, data: unknown): NewEvent => ({
  ...{ id: uuidV7(), type, schemaVersion: 1, data },
  metadata: { commandId: 'c', correlationId: storyId, actor: { kind: 'service', id: 't' } },
});

/** A directive whose steps have run, each with a check; its events and evaluations in a log. */
async function judgedDirective(names: readonly string[]) {
  const story = new DirectiveStory();
  const verify = [{ kind: 'program', argv: ['test'] }];
  const requirements = [{ id: 'R1', description: 'it works' }];
  const steps = names.map((name) => ({ name, verify, requirementIds: ['R1'] }));
  const limits = { maxParallelSteps: names.length };
  story.create(storyFile(steps, { requirements, limits, autonomy: 'full_auto' }));
  for (const name of names) {
    story.end(name);
    story.evaluate(name, 'green');
  }
  const log = new MemoryLog();
  const events = story.events.map(({ type, data }) => newEvent(type, data));
  await log.append({ stream: streamOf.directive(storyId), expectedVersion: 0, events });
  for (const name of names) {
    const runId = `${storyId}-g1-${name}-a1`;
    const check = { name: 'test', kind: 'program', required: true, weight: 1, durationMs: 1 };
    const evaluation: EvaluationCompleted = {
      ...{ runId, directiveId: storyId, step: name, summary: 's', durationMs: 1 },
      checks: [{ ...check, outcome: 'passed', message: 'm', acceptanceCriteriaIds: ['AC1'] }],
      confidence: { score: 1, level: 'green' },
    };
    const stream = streamOf.evaluation(runId);
    const events = [newEvent('EvaluationCompleted', evaluation)];
    await log.append({ stream, expectedVersion: 0, events });
  }
  return log;
}

async function shown(log: MemoryLog) {
  const reads: number[] = [];
  const counted = {
    lastEvents: (streams: readonly string[]) => {
      reads.push(streams.length);
      return log.lastEvents(streams);
    },
  };
  const directives = new Aggregates({ log, decider: directiveDecider });
  const deps = { log: counted, directives } as unknown as Planner;
  const document = (await answerDirective(deps, { id: storyId })) as DirectiveDocument;
  return { document, reads };
}

test('show leads from a requirement to its steps and what their checks found', async () => {
  const { document } = await shown(await judgedDirective(['one']));
  expect(document.requirements).toEqual([
    { id: 'R1', description: 'it works', steps: [{ name: 'one', status: 'passed' }] },
  ]);
  expect(document.steps[0]?.evidence).toEqual([
    {
      ...{ check: 'test', kind: 'program', outcome: 'passed', criteria: ['AC1'] },
      runId: `${storyId}-g1-one-a1`,
    },
  ]);
});

test('show reads the evaluations of all steps at once', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `s${at}`);
  const { document, reads } = await shown(await judgedDirective(names));
  expect(reads).toEqual([40]);
  expect(document.steps.every(({ evidence }) => evidence?.length === 1)).toBe(true);
});
