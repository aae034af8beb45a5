/**
 * What is asked of a simulated world: directives of any shape, and commands about them at any time,
 * also twice, at odds with each other, and wrong. Made from the seed before anything happens, so that
 * it does not depend on what happens.
 */
import { directiveIdFrom } from '@writ/contracts';
import type { DirectiveFileInput, DirectiveVerb } from '@writ/contracts';
import type { SeededRandom } from '@writ/testing';
import { createHash } from 'node:crypto';
import { MISSING, REPOSITORY } from './simulated-git';
import { argvOfCheck, argvOfProgram, shellOfProgram } from './scripts';
import type { CheckScript, ProgramScript } from './scripts';

export interface PlannedCommand {
  readonly atMs: number;
  readonly verb: DirectiveVerb;
  readonly commandId: string;
  readonly directiveId: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** `tell`: sent once, and nobody waits for an answer. */
  readonly how: 'ask' | 'tell';
  /** No directive command at all: it belongs to the dead letters. */
  readonly malformed?: boolean;
}

type Step = NonNullable<DirectiveFileInput['chain']>['steps'][number];

/** What the steps of one seed are like: mixed, or all of one kind so that they meet each other. */
interface Flavour {
  readonly programs: number;
  readonly idempotent: number;
  readonly cache: number;
  readonly ms: readonly number[];
  readonly ends: readonly ProgramScript['end'][];
  /** Steps of which many may follow others at once: outside of workspaces, nothing to be judged. */
  readonly inLines?: boolean;
}

const ENDS = ['ok', 'ok', 'ok', 'ok', 'flaky', 'flaky', 'fail', 'hang'] as const;
const flavours: readonly Flavour[] = [
  { programs: 0.55, idempotent: 0.6, cache: 0.7, ms: [1, 200, 2_000, 9_000, 25_000], ends: ENDS },
  // Long enough for every lease to be in danger.
  { programs: 0.9, idempotent: 0.9, cache: 0.2, ms: [12_000, 25_000], ends: ['ok'] },
  // Everybody wants the same.
  { programs: 0.8, idempotent: 0.8, cache: 1, ms: [2_000, 9_000], ends: ['ok', 'ok', 'flaky'] },
  { programs: 1, idempotent: 1, cache: 1, ms: [400], ends: ['ok'] },
  { programs: 0, idempotent: 0, cache: 0.5, ms: [1], ends: ['ok'] },
  { programs: 0.5, idempotent: 1, cache: 0.95, ms: [1], ends: ['ok'], inLines: true },
];

const sha256 = (text: string) => createHash('sha256').update(text).digest();

export function workload(random: SeededRandom, untilMs: number): PlannedCommand[] {
  const count = random.int(1, 6);
  const flavour = random.chance(0.5) ? random.pick(flavours.slice(1)) : (flavours[0] as Flavour);
  const commands: PlannedCommand[] = [];
  for (let number = 1; number <= count; number += 1) {
    commands.push(...about(random.fork(), flavour, number, untilMs));
  }
  if (random.chance(0.1)) commands.push(malformed(random));
  return commands.sort((one, other) => one.atMs - other.atMs);
}

/** Everything about one directive. */
function about(
  random: SeededRandom,
  flavour: Flavour,
  number: number,
  untilMs: number,
): PlannedCommand[] {
  const commandId = `create-${number}`;
  const directiveId = directiveIdFrom(commandId, sha256);
  const directive = directiveFile(random, flavour, number);
  const start = random.chance(0.85);
  const atMs = random.int(0, Math.round(untilMs * 0.7));
  const how = random.chance(0.7) ? ('ask' as const) : ('tell' as const);
  const given = random.chance(0.5) ? { directiveId } : {};
  const create: PlannedCommand = {
    ...{ atMs, verb: 'create', commandId, directiveId, how },
    data: { ...given, directive, start },
  };
  const commands = [create];
  if (random.chance(0.3)) commands.push({ ...create, atMs: atMs + random.int(0, 3_000) });
  if (random.chance(0.15)) {
    const other = { ...directive, title: `${directive.title}, but another one` };
    const data = { ...given, directive: other, start };
    commands.push({ ...create, how: 'ask', atMs: atMs + random.int(0, 2_000), data });
  }
  if (random.chance(0.1)) {
    const rival = { ...create, commandId: `rival-${number}`, how: 'ask' as const };
    commands.push({
      ...rival,
      atMs: atMs + random.int(0, 2_000),
      data: { ...create.data, directiveId },
    });
  }
  if (isPlannedOutside(directive)) {
    const verb = 'submit-plan' as const;
    const chain = { steps: [echoStep('s1', []), echoStep('s2', ['s1'])] };
    const given = { how: 'ask', data: { directiveId, chain } } as const;
    const later = Math.max(atMs, untilMs) + random.int(0, 5_000);
    commands.push({ verb, directiveId, atMs: later, commandId: `plan-${number}`, ...given });
  }
  const orders = random.chance(0.4) ? random.int(1, 6) : 0;
  for (let order = 1; order <= orders; order += 1) {
    commands.push(...oneOrder(random, `${number}-${order}`, directiveId, atMs, untilMs));
  }
  return commands;
}

const verbs = [
  ...(['start', 'pause', 'pause', 'resume', 'resume', 'stop', 'archive'] as const),
  ...(['skip-step', 'retry-step', 'remove-step', 'add-step', 'update-step'] as const),
  ...(['raise-limit', 'amend', 'replan'] as const),
];

const echoStep = (name: string, dependsOn: string[]) => ({
  ...{ name, dependsOn, adapter: { kind: 'echo' }, verify: 'none' },
});

/** What an order says besides whom it is for. */
function saidWith(random: SeededRandom, verb: (typeof verbs)[number]): object {
  const step = `s${random.int(1, 7)}`;
  switch (verb) {
    case 'pause':
      return random.chance(0.5) ? { mode: 'cut' } : {};
    case 'skip-step':
    case 'retry-step':
    case 'remove-step':
      return { step };
    case 'add-step':
      return { step: echoStep(`more-${random.int(1, 3)}`, [step]) };
    case 'update-step':
      return { step: echoStep(step, []) };
    case 'replan':
      return { chain: { steps: [echoStep('s1', []), echoStep('anew', ['s1'])] } };
    case 'raise-limit':
      return { limits: { maxFailedSteps: random.int(1, 9) } };
    case 'amend':
      return { changes: { goal: 'amended', limits: { maxParallelSteps: random.int(1, 6) } } };
    default:
      return {};
  }
}

function oneOrder(
  random: SeededRandom,
  name: string,
  directiveId: string,
  fromMs: number,
  untilMs: number,
): PlannedCommand[] {
  const verb = random.pick(verbs);
  const commandId = `${verb}-${name}`;
  const how = random.chance(0.7) ? ('ask' as const) : ('tell' as const);
  const atMs = random.int(Math.max(0, fromMs - 500), Math.max(fromMs, untilMs));
  const data = { directiveId, ...saidWith(random, verb) };
  const order: PlannedCommand = { atMs, verb, commandId, directiveId, data, how };
  const again: PlannedCommand[] = random.chance(0.25)
    ? [{ ...order, atMs: atMs + random.int(0, 4_000) }]
    : [];
  if (verb === 'pause') again.push(...rollbacks(random, order, name));
  if (!random.chance(0.1)) return [order, ...again];
  // The same id for something else: it must not take effect a second time.
  const other = random.pick(verbs.filter((it) => it !== verb));
  const otherData = { directiveId, ...saidWith(random, other) };
  const later = atMs + random.int(0, 4_000);
  return [order, { ...order, verb: other, data: otherData, how: 'ask', atMs: later }];
}

/** Of a directive that was told to pause, when what it ran has had some time to end. */
function rollbacks(
  random: SeededRandom,
  { atMs, directiveId }: PlannedCommand,
  name: string,
): PlannedCommand[] {
  return [1, 2, 3].map((nth) => ({
    ...{ verb: 'rollback', how: 'ask', directiveId, commandId: `rollback-${name}-${nth}` },
    atMs: atMs + nth * random.int(2_000, 6_000),
    data: { directiveId, step: `s${random.int(1, 2)}` },
  }));
}

function malformed(random: SeededRandom): PlannedCommand {
  const data = { directiveId: 'no id at all', surprise: true };
  const about = { directiveId: 'malformed', malformed: true, how: 'tell' as const };
  return { ...about, atMs: random.int(0, 10_000), verb: 'pause', commandId: 'malformed-1', data };
}

function directiveFile(random: SeededRandom, flavour: Flavour, number: number): DirectiveFileInput {
  const count = random.chance(0.1) ? random.int(9, 14) : random.int(1, 7);
  const density = random.pick([0, 0.15, 0.4, 0.9]);
  const names = Array.from({ length: count }, (_, at) => `s${at + 1}`);
  const steps = names.map((name, at): Step => {
    const before = names.slice(0, at);
    const dependsOn = flavour.inLines
      ? before.slice(-random.pick([1, 1, 1, 2, 3]))
      : before.filter(() => random.chance(density));
    return { name, dependsOn, ...stepBody(random, flavour) };
  });
  return {
    title: `directive ${number}`,
    goal: 'to be simulated',
    autonomy: random.pick(['full_auto', 'full_auto', 'guardrails', 'manual']),
    ...(random.chance(0.2) ? { approvals: approvals(random) } : {}),
    workspace: flavour.inLines ? { kind: 'none' } : workspace(random),
    limits: {
      maxParallelSteps: random.int(1, 4),
      maxFailedSteps: random.int(0, 3),
      maxReworkCycles: random.int(0, 2),
      ...(random.chance(0.3) ? { maxTotalCostUsd: random.pick([0.3, 1, 5]) } : {}),
      ...(random.chance(0.15) ? { maxWallTimeMinutes: random.pick([0.1, 0.5]) } : {}),
    },
    ...planned(random, flavour, { steps }),
  };
}

/** By an agent whose plan is never one, by somebody who submits it, or with a person who looks at it. */
function planned(
  random: SeededRandom,
  flavour: Flavour,
  chain: DirectiveFileInput['chain'],
): Pick<DirectiveFileInput, 'planner' | 'chain'> {
  const what = random.int(1, 16);
  const approval = random.chance(0.5) ? { approval: true } : {};
  if (what === 1) {
    const script = { ...programScript(random, flavour), end: 'ok' as const, ms: 300 };
    const adapter = { kind: 'program' as const, argv: argvOfProgram(script) };
    return { planner: { kind: 'agent', adapter, ...approval } };
  }
  if (what === 2) return { planner: { kind: 'agent', ...approval } };
  if (what === 3) return { planner: { kind: 'explicit', approval: true }, chain };
  return { chain };
}

const isPlannedOutside = ({ planner }: DirectiveFileInput): boolean =>
  planner?.kind === 'agent' && planner.adapter === undefined;

/** Those who decide take some time. */
function approvals(random: SeededRandom): DirectiveFileInput['approvals'] {
  const deadlineMinutes = random.pick([0.03, 0.05, 0.5]);
  return { deadlineMinutes, onExpiry: random.pick(['deny', 'escalate']) };
}

function workspace(random: SeededRandom): DirectiveFileInput['workspace'] {
  if (random.chance(0.6)) return { kind: 'none' };
  if (random.chance(0.15)) return { kind: 'directory', path: '/simulated/folder' };
  return { kind: 'git', repository: random.chance(0.05) ? MISSING : REPOSITORY };
}

function stepBody(random: SeededRandom, flavour: Flavour): Omit<Step, 'name' | 'dependsOn'> {
  const checks = Array.from({ length: random.int(1, 2) }, () => checkScript(random));
  const judged = flavour.inLines ? random.chance(0.1) : random.chance(0.25);
  const verify = !judged
    ? random.pick(['none' as const, 'none' as const, undefined])
    : checks.map((script) => ({
        ...{ kind: 'program' as const, argv: argvOfCheck(script), name: script.id },
        ...(script.end === 'hang' ? { timeoutMs: 3_000 } : {}),
        required: random.chance(0.8),
      }));
  const cache = random.chance(flavour.cache);
  if (!random.chance(flavour.programs)) {
    return { adapter: { kind: 'echo', output: `said ${random.int(1, 6)}` }, verify, cache };
  }
  const script = programScript(random, flavour);
  const timeoutMs = script.end === 'hang' ? random.int(500, 6_000) : 120_000;
  return {
    ...{ adapter: adapterOf(random, script), verify, cache, timeoutMs },
    idempotent: random.chance(flavour.idempotent),
    ...(random.chance(0.3) ? { budget: { costUsd: random.pick([0.05, 0.3]) } } : {}),
    retry: {
      retries: random.int(0, 3),
      baseDelayMs: random.int(10, 2_000),
      jitter: random.pick([0, 0.25]),
      ...(random.chance(0.2) ? { provider: true } : {}),
      ...(random.chance(0.3) ? { errors: ['timeout', 'infrastructure'] } : {}),
    },
  };
}

const adapterOf = (random: SeededRandom, script: ProgramScript): Step['adapter'] =>
  random.chance(0.3)
    ? { kind: 'shell', script: shellOfProgram(script) }
    : { kind: 'program', argv: argvOfProgram(script) };

/** Few different ones, so that steps of different directives have the same bundle. */
function programScript(random: SeededRandom, flavour: Flavour): ProgramScript {
  const end = random.pick(flavour.ends);
  const ms = random.pick(flavour.ms);
  const failures = end === 'flaky' ? random.int(1, 3) : 0;
  const exitCode = end === 'ok' ? 0 : end === 'flaky' || random.chance(0.3) ? 75 : 1;
  const stubborn = random.chance(0.3);
  const id = `${end}-${ms}-${failures}-${exitCode}-${stubborn ? 'stubborn' : 'obedient'}`;
  const script = { id, ms, end, failures, exitCode, stubborn };
  return ms >= 2_000 ? { ...script, costUsd: 0.04 } : script;
}

function checkScript(random: SeededRandom): CheckScript {
  const end = random.pick([
    'passed',
    'passed',
    'passed',
    'passed',
    'failed',
    'broken',
    'hang',
  ] as const);
  const ms = random.pick([1, 300, 4_000]);
  return { id: `${end}-${ms}`, ms, end };
}
