/**
 * What has to hold between the log and everything beside it, when all has come to rest.
 *
 * O1 By the witness, no two executions of a step overlap, and none began without its claim.
 * O2 What a client was told is in the log, the same every time; what it sent and did not take back was
 *    decided.
 * O3 Each read model is what its projection makes of the log from the beginning, and each snapshot what
 *    the decider does.
 * O4 Every manifest that is due is sealed, with the bytes that follow from the log, and no other.
 * O5 What a step has passed with is in the branch of its directive, and a completed directive names
 *    the head of it.
 * O6 Nothing is left: no lease that lives, no message, no program, no letter that nobody expected.
 * O7 Each decision of the gate comes out as it was recorded when it is decided again.
 */
import { runRows } from '@writ/executor';
import { canonicalJson, streamOf } from '@writ/contracts';
import type {
  CommandAnswer,
  DirectiveEventData,
  ManifestSealed,
  RunClaimed,
} from '@writ/contracts';
import { decideAgain, directiveDecider, directiveSnapshot } from '@writ/domain';
import type { GateDecision } from '@writ/domain';
import { rebuildSnapshots } from '@writ/event-log';
import type { Projection, StoredEvent } from '@writ/event-log';
import { manifestRows, Sealing } from '@writ/manifest';
import { metricsOf, Registry } from '@writ/observability';
import { decisionRows, directiveRows } from '@writ/planner';
import { evaluationRows } from '@writ/verifier';
import type { Client } from '../client';
import type { Execution } from '../machine';
import { SimulatedTables } from '../memory-tables';
import type { World } from '../world';

export const projections: readonly Projection[] = [
  directiveRows,
  decisionRows,
  runRows,
  evaluationRows,
  manifestRows,
];

type Events = readonly StoredEvent[];

export async function brokenOutside(
  world: World,
  client: Client,
  events: Events,
): Promise<string[]> {
  return [
    ...brokenWitness(world.machine.witness, events),
    ...brokenAnswers(client, events),
    ...brokenTold(world, client, events),
    ...(await brokenReadModels(world, events)),
    ...(await brokenSnapshots(world)),
    ...brokenDecisions(world, events),
    ...(await brokenManifests(world, events)),
    ...brokenBranches(world, events),
    ...(await remains(world, client)),
  ];
}

/** O1 */
function brokenWitness(witness: readonly Execution[], events: Events): string[] {
  const broken: string[] = [];
  const byStep = new Map<string, Execution[]>();
  for (const line of witness) byStep.set(line.step, [...(byStep.get(line.step) ?? []), line]);
  for (const [step, lines] of byStep) {
    lines.forEach((line, index) => {
      const before = lines[index - 1];
      if (before === undefined || before.to <= line.from) return;
      const who = `${before.by} (claim ${before.claim}) and ${line.by} (claim ${line.claim})`;
      const until = Math.min(before.to, line.to);
      broken.push(`${step} runs twice at once, from ${line.from} to ${until} ms: ${who}`);
    });
  }
  const claims = events.filter(({ type }) => type === 'RunClaimed');
  const claimed = new Set(
    claims.map(({ data }) => {
      const { runId, claim, executorId } = data as RunClaimed;
      return `${runId}, claim ${claim} of ${executorId}`;
    }),
  );
  for (const { runId, claim, by } of witness) {
    const wanted = `${runId}, claim ${claim} of ${by}`;
    if (!claimed.has(wanted)) broken.push(`a program ran that nobody had claimed: ${wanted}`);
  }
  return broken;
}

/** O2 */
function brokenAnswers({ answered }: Client, events: Events): string[] {
  const broken: string[] = [];
  const first = new Map<string, string>();
  for (const { command, answer } of answered) {
    const { commandId, verb, directiveId } = command;
    if (!answer.ok && answer.error.code !== 'illegal_transition') continue; // of no state: may change
    const said = canonicalJson(answer);
    const before = first.get(`${verb} ${commandId}`);
    first.set(`${verb} ${commandId}`, said);
    if (before !== undefined && before !== said) {
      broken.push(`${commandId} is answered ${said} after ${before}`);
    }
    if (!isInTheLog(commandId, directiveId, answer, events)) {
      broken.push(`${commandId} is answered ${said}, and the log does not say so`);
    }
  }
  return broken;
}

function isInTheLog(
  commandId: string,
  directiveId: string,
  answer: CommandAnswer,
  events: Events,
): boolean {
  const own = events.filter(
    ({ stream, metadata }) =>
      stream === streamOf.directive(directiveId) && metadata.commandId === commandId,
  );
  if (!answer.ok) return own.some(({ type }) => type === 'CommandRefused');
  const { version, position } = answer;
  return own.some((event) => event.version === version && event.position === position);
}

/** O7 */
function brokenDecisions(world: World, events: Events): string[] {
  const rows = world.database.tables.rows('decision').filter((row) => row['outcome'] !== null);
  const decided = rows.map((row) => JSON.parse(String(row['decision'])) as GateDecision);
  const asked = events.filter(
    ({ type, data }) =>
      type === 'ApprovalRequested' &&
      (data as DirectiveEventData<'ApprovalRequested'>).type === 'step_review',
  ).length;
  const found = decided.filter(({ outcome }) => outcome === 'ask').length;
  return [
    ...(asked === found
      ? []
      : [`${asked} reviews of steps were asked for, ${found} are on record`]),
    ...decided.flatMap((decision) => {
      const { outcome, confidence } = decideAgain(decision);
      const again = canonicalJson({ outcome, confidence });
      const then = canonicalJson({ outcome: decision.outcome, confidence: decision.confidence });
      return again === then ? [] : [`${decision.runId} is decided ${again} after ${then}`];
    }),
  ];
}

/** O2: of those that make a trace whatever the state is, unless the server's storage was wiped. */
function brokenTold(world: World, { told }: Client, events: Events): string[] {
  if (world.nemesis.counts.has('wipe')) return [];
  const decided = new Set(events.map(({ metadata }) => metadata.commandId));
  const created = new Map(
    events
      .filter(({ type }) => type === 'DirectiveCreated')
      .map(({ stream, recordedAt }) => [stream, Date.parse(recordedAt)]),
  );
  return told.flatMap(({ command, at }) => {
    const { commandId, verb, directiveId, malformed } = command;
    if (malformed || decided.has(commandId)) return [];
    // Refused without a trace: it came before its directive, or too late to create it.
    const createdAt = created.get(streamOf.directive(directiveId));
    if (verb === 'create' ? createdAt !== undefined : !(createdAt && createdAt <= at)) return [];
    return [`${commandId} was sent, and nobody has decided it`];
  });
}

/** O3 */
async function brokenReadModels(world: World, events: Events): Promise<string[]> {
  const broken: string[] = [];
  const fresh = new SimulatedTables();
  for (const projection of projections) {
    const { tx, commit } = fresh.begin();
    try {
      await projection.apply(events.filter(wanted(projection)), tx);
    } catch (error) {
      broken.push(`${projection.name} cannot be rebuilt: ${(error as Error).message}`);
      continue;
    }
    commit();
    for (const table of projection.tables) {
      const [live, anew] = [world.database.tables, fresh].map((it) =>
        it.rows(table).map((row) => canonicalJson(plain(row))),
      ) as [string[], string[]];
      const at = anew.findIndex((row, index) => row !== live[index]);
      if (live.length === anew.length && at < 0) continue;
      const difference = `${live[Math.max(0, at)]} is not ${anew[Math.max(0, at)]}`;
      broken.push(`the read model ${table} is not what a rebuild makes: ${difference}`);
    }
  }
  return broken;
}

/** O3 */
async function brokenSnapshots({ database: { log, snapshots: table } }: World): Promise<string[]> {
  const folding = { form: directiveSnapshot, decider: directiveDecider };
  const { difference } = await rebuildSnapshots({ log, table, ...folding });
  return difference === undefined
    ? []
    : [`the snapshot of ${difference} is not what its events fold to`];
}

export const wanted =
  ({ streamPrefixes, types }: Pick<Projection, 'streamPrefixes' | 'types'>) =>
  ({ stream, type }: StoredEvent): boolean =>
    (streamPrefixes?.some((prefix) => stream.startsWith(prefix)) ?? true) &&
    (types?.includes(type) ?? true);

const plain = (row: object): unknown => JSON.parse(JSON.stringify(row));

/** O4 */
async function brokenManifests(world: World, events: Events): Promise<string[]> {
  const broken: string[] = [];
  const sealed = new Map(
    events
      .filter(({ type }) => type === 'ManifestSealed')
      .map(({ data }) => [(data as ManifestSealed).subjectId, data as ManifestSealed]),
  );
  const anew = new Map<string, ManifestSealed>();
  const sealing = new Sealing({
    content: world.content,
    engineVersion: '0.0.0',
    metrics: metricsOf(new Registry(), 'manifest'),
    newId: () => '',
    clock: world.time.clock,
    log: {
      readAll: (asked) => world.database.log.readAll(asked),
      lastEvents: async (streams) =>
        [...anew.values()]
          .filter(({ subjectId }) => streams.includes(streamOf.manifest(subjectId)))
          .map((data) => ({ data }) as StoredEvent),
      append: async ({ events: [event] }) => {
        const data = event?.data as ManifestSealed;
        anew.set(data.subjectId, data);
        return [];
      },
    },
  });
  const { projection } = sealing;
  const { tx } = new SimulatedTables().begin();
  try {
    await projection.apply(events.filter(wanted(projection)), tx);
  } catch (error) {
    return [`manifests cannot be made from the log: ${(error as Error).message}`];
  }
  for (const [id, { digest }] of anew) {
    const found = sealed.get(id);
    if (found === undefined) broken.push(`the manifest of ${id} is due and not sealed`);
    else if (found.digest !== digest) broken.push(`the manifest of ${id} has other bytes`);
    if (!world.content.contents.has(digest)) broken.push(`the manifest of ${id} is not kept`);
  }
  for (const id of sealed.keys()) {
    if (!anew.has(id)) broken.push(`the manifest of ${id} is sealed and was never due`);
  }
  return broken;
}

/** O5; what was rolled back since is in no branch any more. */
function brokenBranches({ git }: World, events: Events): string[] {
  const broken: string[] = [];
  const merged = new Map<string, DirectiveEventData<'StepPassed'>[]>();
  for (const { stream, type, data } of events) {
    const id = stream.slice('directive-'.length);
    const head = git.headOf(id);
    if (head === undefined || !stream.startsWith('directive-')) continue;
    const before = merged.get(id) ?? [];
    if (type === 'StepPassed') {
      merged.set(id, [...before, data as DirectiveEventData<'StepPassed'>]);
    } else if (type === 'RolledBack') {
      const { to } = data as DirectiveEventData<'RolledBack'>;
      if (to === undefined) continue;
      const last = before.map(({ commit }) => commit).lastIndexOf(to);
      merged.set(id, before.slice(0, last + 1));
    } else if (type === 'DirectiveCompleted') {
      const { commit } = data as DirectiveEventData<'DirectiveCompleted'>;
      if (commit !== head) {
        broken.push(`${id} is completed at ${commit}, its branch is at ${head}`);
      }
    }
  }
  for (const [id, passed] of merged) {
    for (const { step, run } of passed) {
      if (run.commit !== undefined && git.has(id, run.commit)) continue;
      broken.push(`${id}: what ${step} has changed is not in its branch`);
    }
  }
  return broken;
}

/** O6 */
async function remains(world: World, client: Client): Promise<string[]> {
  const { database, server, machine, time } = world;
  const now = time.date().getTime();
  const leases = [...database.leases.held].filter(([, { expiresAt }]) => expiresAt >= now);
  const letters = await client.deadLetters();
  const unexpected = letters.filter(({ headers }) => headers['ce-id'] !== 'malformed-1');
  const told = client.told.some(({ command }) => command.malformed);
  return [
    ...leases.map(([runId]) => `a lease is left: ${runId}`),
    ...(server.unsettled() > 0 ? [`${server.unsettled()} messages are left`] : []),
    ...(machine.programs > 0 ? [`${machine.programs} programs are left`] : []),
    ...unexpected.map(
      ({ subject, reason, error }) => `a dead letter (${reason}): ${subject}: ${error.message}`,
    ),
    ...(told && letters.length === unexpected.length && !world.nemesis.counts.has('wipe')
      ? ['the malformed command is no dead letter']
      : []),
  ];
}
