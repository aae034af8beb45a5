/**
 * What has to hold in the log alone, told from its events and not from the code that made them. Each
 * rule gives one line for each thing that is wrong.
 *
 * L1 Positions and versions are without a gap, times do not go back, the hashes are one chain.
 * L2 A directive ends once, and nothing but its archiving comes after that.
 * L3 A step starts when all it depends on has passed, and at most so many are under way as may be.
 * L4 A step starts once for each attempt, ends once for each start, and passes at most once.
 * L5 A run is claimed in order, ends once, and nothing comes after that.
 * L6 A run succeeds at most once, and what a skipped one hands out had succeeded before.
 * L7 A run is evaluated at most once; whatever is sealed is sealed once.
 * L8 A command takes effect once: all that it leads to is one append, and its id is used for nothing
 *    else.
 * L9 What passed was made from what the steps that it depends on have made.
 * L10 An approval is decided once, about the digest that was asked, and none outlives its directive.
 * L11 Every directive's ledger adds up: see `ledger.ts`.
 */
import { createHash } from 'node:crypto';
import { GENESIS_HASH, hashedText, canonicalJson } from '@writ/contracts';
import type { DirectiveEventData, PlannedStep, RunEnded, StepRun } from '@writ/contracts';
import type { StoredEvent } from '@writ/event-log';
import { brokenLedger } from './ledger';
import { brokenLife, ENDS, followChain } from './life-of-directives';

export function brokenInTheLog(events: readonly StoredEvent[]): string[] {
  const streams = new Map<string, StoredEvent[]>();
  for (const event of events) {
    streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
  }
  const broken = [...brokenChain(events)];
  const ended = events.filter(({ type }) => type === 'RunEnded').map((it) => it.data as RunEnded);
  const ends = new Map(ended.map((it) => [it.runId, it]));
  for (const [stream, own] of streams) {
    broken.push(...brokenVersions(stream, own));
    if (stream.startsWith('directive-')) {
      broken.push(...brokenLife(stream, own), ...brokenCommands(stream, own));
      broken.push(...brokenApprovals(stream, own), ...brokenLedger(stream, own, ends));
    }
    if (stream.startsWith('run-')) broken.push(...brokenRun(stream, own));
    if (/^(evaluation|manifest)-/.test(stream) && own.length !== 1) {
      broken.push(`${stream} has ${own.length} events, not one`); // L7
    }
  }
  return [...broken, ...brokenSources(events), ...brokenInputs(streams)];
}

/** L1 */
function brokenChain(events: readonly StoredEvent[]): string[] {
  const broken: string[] = [];
  let previous = GENESIS_HASH;
  events.forEach((event, index) => {
    if (event.position !== index + 1) broken.push(`position ${index + 1} is ${event.position}`);
    const text = hashedText(event, event.dataText, canonicalJson(event.metadata), previous);
    const hash = createHash('sha256').update(text).digest('hex');
    if (hash !== event.hash) broken.push(`the hash at position ${event.position} is another one`);
    previous = event.hash;
  });
  return broken;
}

/** L1 */
function brokenVersions(stream: string, events: readonly StoredEvent[]): string[] {
  return events.flatMap(({ version }, index) =>
    version === index + 1 ? [] : [`version ${index + 1} of ${stream} is ${version}`],
  );
}

/** L10 */
function brokenApprovals(stream: string, events: readonly StoredEvent[]): string[] {
  const broken: string[] = [];
  const open = new Map<string, string>();
  const voters = new Set<string>();
  for (const { type, data, version } of events) {
    const { approvalId, digest, by } = data as { approvalId: string; digest: string; by: string };
    const say = (what: string) =>
      void broken.push(`${stream}: ${approvalId} ${what}, at ${version}`);
    if (type === 'ApprovalRequested') {
      if (open.has(approvalId)) say('is asked again');
      open.set(approvalId, digest);
    } else if (type === 'ApprovalVoted') {
      if (open.get(approvalId) !== digest) say('is decided about with another digest');
      const { editedDigest } = data as DirectiveEventData<'ApprovalVoted'>;
      if (editedDigest !== undefined) open.set(approvalId, editedDigest);
      if (voters.has(`${approvalId} ${digest} ${by}`)) say(`is decided about by ${by} again`);
      voters.add(`${approvalId} ${digest} ${by}`);
    } else if (type === 'ApprovalResolved' || type === 'ApprovalVoided') {
      if ((open.get(approvalId) ?? '') === '') say('ends twice, or before it began');
      open.set(approvalId, '');
    } else if (ENDS.includes(type)) {
      const left = [...open].filter(([, it]) => it !== '').map(([id]) => id);
      if (left.length > 0) broken.push(`${stream} ends while ${left.join(', ')} waits`);
    }
  }
  return broken;
}

/** L5, L6 */
function brokenRun(stream: string, events: readonly StoredEvent[]): string[] {
  const broken: string[] = [];
  let claims = 0;
  let ended = false;
  for (const { type, data, version } of events) {
    if (ended) broken.push(`${stream} goes on after its end (${type}, version ${version})`);
    if (type === 'RunClaimed') {
      const { claim } = data as { claim: number };
      if (claim !== claims + 1) broken.push(`${stream} has claim ${claim} after ${claims}`);
      claims = claim;
    }
    if (type === 'RunEnded') {
      const { claim, result } = data as RunEnded;
      ended = true;
      // What never claimed claims with its end; whoever takes over in doubt does so too.
      if (claim !== Math.max(1, claims) && !(result === 'failed' && claim === claims + 1)) {
        broken.push(`${stream} is ended by claim ${claim}, the last one is ${claims}`);
      }
    }
  }
  return broken;
}

/** L6 */
function brokenSources(events: readonly StoredEvent[]): string[] {
  const broken: string[] = [];
  const succeeded = new Map<string, string | undefined>();
  for (const { type, data } of events) {
    if (type !== 'RunEnded') continue;
    const { runId, result, source, bundle } = data as RunEnded;
    if (result === 'success') succeeded.set(runId, bundle?.hash);
    if (result !== 'skipped') continue;
    const from = source?.runId ?? '';
    if (!succeeded.has(from)) broken.push(`${runId} hands out ${from}, which has not succeeded`);
    else if (succeeded.get(from) !== bundle?.hash) {
      broken.push(`${runId} hands out ${from}, which had another bundle`);
    }
  }
  return broken;
}

/** What people's commands lead to; the reactions of services are repeated by state, not by id. */
const OF_COMMANDS =
  /^(CommandRefused|Approval(Voted|QuestionAsked|QuestionAnswered)|LimitsRaised|RollbackStarted|RolledBack|Directive(Created|Started|Paused|Stopped|Archived|Amended)|Step(Added|Updated|Removed|Skipped))$/;
/** May follow from one of them, and is what other commands lead to alone. */
const ALONE = /^(DirectiveResumed|StepReopened|PlanningStarted|PlanSubmitted|ChainActivated)$/;

/** L8 */
function brokenCommands(stream: string, events: readonly StoredEvent[]): string[] {
  const broken: string[] = [];
  const last = new Map<string, StoredEvent>();
  const taken = new Map<string, string[]>();
  const alone = new Set<string>();
  for (const event of events) {
    const { metadata, version, type } = event;
    const { commandId, actor } = metadata;
    if (actor.kind !== 'person') continue;
    const before = last.get(commandId);
    if (before !== undefined && before.version !== version - 1) {
      broken.push(`${stream}: command ${commandId} takes effect again with ${type}`);
    }
    last.set(commandId, event);
    if (ALONE.test(type)) alone.add(commandId);
    if (!OF_COMMANDS.test(type)) continue;
    taken.set(commandId, [...(taken.get(commandId) ?? []), type]);
  }
  for (const commandId of last.keys()) {
    const effects = (taken.get(commandId) ?? []).join(', ');
    if (/^(DirectiveCreated, DirectiveStarted|\w+)$/.test(effects)) continue;
    if (effects === '' && alone.has(commandId)) continue;
    broken.push(`${stream}: command ${commandId} led to ${effects || 'nothing of its own'}`);
  }
  return broken;
}

/** L9 */
function brokenInputs(streams: ReadonlyMap<string, readonly StoredEvent[]>): string[] {
  const broken: string[] = [];
  for (const [stream, own] of streams) {
    if (!stream.startsWith('directive-')) continue;
    const chain = new Map<string, PlannedStep>();
    const made = new Map<string, StepRun>();
    for (const { type, data } of own) {
      followChain(chain, { type, data });
      if (type === 'StepReopened') made.delete((data as { step: string }).step);
      if (type !== 'StepPassed') continue;
      const { step, run } = data as DirectiveEventData<'StepPassed'>;
      made.set(step, run);
      const ended = streams.get(`run-${run.runId}`)?.at(-1)?.data as RunEnded | undefined;
      const needed = chain.get(step)?.dependsOn ?? [];
      const given = digestOfInputs(needed.map((name) => [name, made.get(name)?.artifacts ?? []]));
      if (ended?.bundle?.components['dependencies'] !== given) {
        broken.push(`${run.runId} was not made from what ${needed.join(', ')} made`);
      }
    }
  }
  return broken;
}

/** As in the bundle of a run; see `bundleOf`. */
function digestOfInputs(made: readonly (readonly [string, StepRun['artifacts']])[]): string {
  const texts = made.flatMap(([step, artifacts]) =>
    artifacts.map(({ path, digest }) =>
      canonicalJson({ kind: 'artifact', name: `${step}/${path}`, digest }),
    ),
  );
  const text = `[${texts.sort().join(',')}]`;
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
