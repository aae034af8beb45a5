/**
 * Where two directives part: what was asked for otherwise, the first thing that happened otherwise,
 * and in which steps they differ. Two moments of one directive are compared alike.
 *
 * F1 Steps run beside each other, so the order between steps says nothing: the events of each step,
 *    and those of the directive as a whole, are compared with their likes on the other side. Of all
 *    places at which they part the first one is that which came first on one of the sides.
 * F2 Names, times, costs and commits differ always, and are no difference.
 */
import {
  canonicalJson,
  type ComparedStep,
  type DirectiveDiff,
  type DiffSide,
  type Divergence,
  type DivergingEvent,
  type RecordedEvent,
  type SpecDifference,
  type StepDifference,
} from '@writ/contracts';
import type { StepState } from './chain';
import { eventInWords } from './event-in-words';
import type { Directive } from './directive-state';

export interface DirectiveHistory {
  readonly directive: Directive;
  readonly events: readonly RecordedEvent[];
}

/** `bundles`: hashes by run. */
export function diffDirectives(
  a: DirectiveHistory,
  b: DirectiveHistory,
  bundles: ReadonlyMap<string, string> = new Map(),
): DirectiveDiff {
  return {
    a: sideOf(a.directive),
    b: sideOf(b.directive),
    spec: specDifferences(a.directive, b.directive),
    first: firstDivergence(a, b),
    steps: stepDifferences(a.directive, b.directive, bundles),
  };
}

const sideOf = ({ id, spec, status, version, position }: Directive): DiffSide => ({
  ...{ id, title: spec.title, status, version, position },
});

type Json = unknown;
const isMap = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const escaped = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
const same = (a: Json, b: Json) =>
  a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));

/** Steps are told by their names, not by their places. */
function specDifferences(a: Directive, b: Directive): SpecDifference[] {
  const plain = ({ spec }: Directive) => {
    const { contentDigest: _, steps, ...rest } = spec;
    return { ...rest, steps: Object.fromEntries(steps.map((step) => [step.name, step])) };
  };
  return differences('', plain(a), plain(b));
}

function differences(path: string, a: Json, b: Json): SpecDifference[] {
  if (same(a, b)) return [];
  if (!isMap(a) || !isMap(b)) return [{ path, ...of('a', a), ...of('b', b) }];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.flatMap((name) => differences(`${path}/${escaped(name)}`, a[name], b[name]));
}

const of = (side: 'a' | 'b', value: Json) => (value === undefined ? {} : { [side]: value });

const WHOLE = '';
/** F1: of a step, or of the directive as a whole. */
const laneOf = ({ data }: RecordedEvent, steps: ReadonlyMap<string, string>): string => {
  const { step, approvalId } = data as { step?: string; approvalId?: string };
  return step ?? (approvalId === undefined ? WHOLE : (steps.get(approvalId) ?? WHOLE));
};

function lanesOf(events: readonly RecordedEvent[]): Map<string, RecordedEvent[]> {
  const lanes = new Map<string, RecordedEvent[]>();
  const asked = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'CommandRefused') continue; // nothing came of it
    const { approvalId, step } = event.data as { approvalId?: string; step?: string };
    if (approvalId !== undefined && step !== undefined) asked.set(approvalId, step);
    const lane = laneOf(event, asked);
    const known = lanes.get(lane);
    if (known === undefined) lanes.set(lane, [event]);
    else known.push(event);
  }
  return lanes;
}

function firstDivergence(a: DirectiveHistory, b: DirectiveHistory): Divergence | null {
  const [ofA, ofB] = [lanesOf(a.events), lanesOf(b.events)];
  const kept = keptBy(a, b);
  let first: { divergence: Divergence; place: number } | undefined;
  for (const lane of new Set([...ofA.keys(), ...ofB.keys()])) {
    const [inA, inB] = [ofA.get(lane) ?? [], ofB.get(lane) ?? []];
    if (kept.has(lane) && (inA.length === 0 || inB.length === 0)) continue;
    const alike = inA.findIndex((event, at) => !isAlike(event, inB[at], a, b));
    const at = alike >= 0 ? alike : inA.length;
    const [nextA, nextB] = [inA[at], inB[at]];
    if (nextA === undefined && nextB === undefined) continue;
    // Each stream counts its own events, so places on both sides compare.
    const place = Math.min(nextA?.version ?? Infinity, nextB?.version ?? Infinity);
    if (first !== undefined && first.place <= place) continue;
    const sides = { a: diverging(nextA), b: diverging(nextB) };
    const about = { step: lane === WHOLE ? null : lane, alike: at };
    const differs = differing(nextA, nextB, a, b);
    first = { place, divergence: { ...about, differs, ...sides } };
  }
  return first?.divergence ?? null;
}

/** What a fork took over did not happen to it again. */
const keptBy = (...sides: readonly DirectiveHistory[]): ReadonlySet<string> =>
  new Set(
    sides.flatMap(({ directive }) => directive.spec.fork?.kept.map(({ step }) => step) ?? []),
  );

function isAlike(
  one: RecordedEvent,
  other: RecordedEvent | undefined,
  a: DirectiveHistory,
  b: DirectiveHistory,
): boolean {
  if (other === undefined || one.type !== other.type) return false;
  return canonicalJson(essence(one, a)) === canonicalJson(essence(other, b));
}

function differing(
  one: RecordedEvent | undefined,
  other: RecordedEvent | undefined,
  a: DirectiveHistory,
  b: DirectiveHistory,
): string[] {
  if (one === undefined || other === undefined || one.type !== other.type) return [];
  const [inOne, inOther] = [strip(one.data, a.directive.id), strip(other.data, b.directive.id)];
  return differences('', inOne, inOther).map(({ path }) => path);
}

/** F2: what differs between any two directives. Digests stay where they are those of artifacts. */
const DIFFERS_ALWAYS = new Set([
  ...['durationMs', 'usage', 'commit', 'branch', 'runId', 'approvalId', 'digest', 'sourceRunId'],
  ...['requester', 'contentDigest', 'title', 'steps', 'evidence', 'output', 'result', 'previous'],
]);

function essence({ type, data }: RecordedEvent, { directive }: DirectiveHistory): Json {
  // What was asked for is compared member by member: see `specDifferences`.
  if (type === 'DirectiveCreated' || type === 'ChainActivated') return { type };
  return { type, data: strip(data, directive.id) };
}

function strip(value: Json, id: string): Json {
  if (typeof value === 'string') return value.replaceAll(id, '');
  if (Array.isArray(value)) return value.map((it) => strip(it, id));
  if (!isMap(value)) return value ?? null;
  const kept = Object.entries(value)
    .filter(([name, it]) => it !== undefined && !DIFFERS_ALWAYS.has(name))
    .map(([name, it]) => [name, name === 'artifacts' ? artifactsOf(it) : strip(it, id)]);
  return Object.fromEntries(kept) as Json;
}

const artifactsOf = (artifacts: Json) =>
  (artifacts as { path: string; digest: string }[])
    .map(({ path, digest }) => `${path} ${digest}`)
    .sort();

function diverging(event: RecordedEvent | undefined): DivergingEvent | null {
  if (event === undefined) return null;
  const { type, version, position, recordedAt: at, metadata } = event;
  const { actor, commandId } = metadata;
  return { type, text: eventInWords(event), version, position, at, actor, commandId };
}

function stepDifferences(
  a: Directive,
  b: Directive,
  bundles: ReadonlyMap<string, string>,
): StepDifference[] {
  const names = new Set([...a.chain, ...b.chain].map(({ spec }) => spec.name));
  return [...names].flatMap((step): StepDifference[] => {
    const [one, other] = [a.chain.get(step), b.chain.get(step)].map((it) =>
      it === undefined ? null : compared(it, bundles),
    ) as [ComparedStep | null, ComparedStep | null];
    if (one === null || other === null) return [{ step, differs: [], a: one, b: other }];
    const differs = (Object.keys(one) as (keyof ComparedStep)[]).filter(
      (name) => name !== 'runId' && !same(one[name], other[name]),
    );
    return differs.length === 0 ? [] : [{ step, differs, a: one, b: other }];
  });
}

function compared(step: StepState, bundles: ReadonlyMap<string, string>): ComparedStep {
  const { status, attempt, runId, run, confidence } = step;
  const artifacts = (run?.artifacts ?? []).map(({ path, digest }) => ({ path, digest }));
  artifacts.sort((one, other) => (one.path < other.path ? -1 : 1));
  return {
    ...{ status, attempt, runId, confidence, artifacts },
    bundle: bundles.get(run?.runId ?? '') ?? null,
    costUsd: run?.usage?.costUsd ?? 0,
  };
}
