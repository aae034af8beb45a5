/** Orders to a directive that say more than a verb, and what came of them. */
import type { Issue, LimitChanges, RecordedEvent, ToldVerb } from '@writ/contracts';
import { readFileSync } from 'node:fs';

import { directivePath } from '../api-path';
import { CliError } from '../cli-error';
import {
  readAmendments,
  readChainFile,
  readStepFile,
  type OrderFile,
} from '../directive-file/read-order-file';
import { Gateway } from '../gateway-client';
import { limitOptions } from '../limit-options';
import { issuesOf, Output } from '../output';
import type { CommonOptions } from '../program';
import type { Accepted } from '../submit-directive';

interface OrderOptions extends CommonOptions {
  readonly reason?: string;
  readonly key?: string;
}

/** Without a file, or with one. */
type With = Pick<OrderFile<unknown>, 'files' | 'fail'> | undefined;

/** `path`: where it is sent, under that of the directive. */
interface Order {
  readonly verb?: ToldVerb;
  readonly path?: string;
  readonly [member: string]: unknown;
}

async function order(
  id: string,
  { path = 'commands', ...body }: Order,
  options: OrderOptions,
  file?: With,
): Promise<Accepted & { events: readonly RecordedEvent[] }> {
  const gateway = Gateway.find();
  for (const { path: from, digest } of file?.files ?? []) {
    const artifact = `/v1/artifacts/${digest}`;
    if (!(await gateway.exists(artifact))) await gateway.put(artifact, readFileSync(from));
  }
  const { reason, key } = options;
  const said = { ...body, ...(reason === undefined ? {} : { reason }) };
  try {
    const to = `${directivePath(id)}/${path}`;
    const accepted = await gateway.post<Accepted>(to, said, key);
    return { ...accepted, events: await eventsOf(gateway, accepted) };
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'invalid_directive') throw error;
    const issues = issuesOf(error.details) as Issue[];
    throw issues.length === 0 || file === undefined ? error : file.fail(issues);
  }
}

/** What the command made happen, as the log has it. */
async function eventsOf(
  gateway: Gateway,
  { directiveId, commandId, position }: Accepted,
): Promise<RecordedEvent[]> {
  const path = `/v1/directives/${directiveId}/events?after=${Math.max(0, position - 50)}`;
  const { events } = await gateway.get<{ events: RecordedEvent[] }>(path);
  return events.filter(({ metadata }) => metadata.commandId === commandId);
}

const dataOf = (events: readonly RecordedEvent[], type: string) =>
  events.find((event) => event.type === type)?.data;

function answer(
  output: Output,
  { directiveId, commandId, position }: Accepted,
  more: object,
  words: string[],
): void {
  if (output.json) output.value({ directiveId, commandId, position, ...more });
  else for (const line of words) output.talk(line);
}

export async function amend(id: string, file: string, options: OrderOptions): Promise<void> {
  const output = new Output(options);
  const read = readAmendments(file);
  const done = await order(id, { verb: 'amend', changes: read.value }, options, read);
  const { changes } = dataOf(done.events, 'DirectiveAmended') as { changes: Change[] };
  const lines = changes.map(({ path, from, to }) => `${path}: ${shown(from)} -> ${shown(to)}`);
  answer(output, done, { changes }, [`${id} amended`, ...lines]);
}

interface Change {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}
const shown = (value: unknown) => JSON.stringify(value);

type LimitOptions = OrderOptions & { readonly [L in keyof LimitChanges]?: number };

export async function raiseLimit(id: string, options: LimitOptions): Promise<void> {
  const output = new Output(options);
  const limits = Object.fromEntries(
    limitOptions.flatMap(([, name]) =>
      options[name] === undefined ? [] : [[name, options[name]] as const],
    ),
  );
  if (Object.keys(limits).length === 0) {
    const names = limitOptions.map(([flag]) => `--${flag}`).join(', ');
    throw new CliError('usage', `name a limit: ${names}`);
  }
  const done = await order(id, { verb: 'raise-limit', limits }, options);
  const resumed = dataOf(done.events, 'DirectiveResumed') !== undefined;
  const words = Object.entries(limits).map(([name, value]) => `${name} is ${value} now`);
  answer(output, done, { limits, resumed }, resumed ? [...words, `${id} goes on`] : words);
}

interface ChainChanges {
  readonly kept: string[];
  readonly changed: string[];
  readonly added: string[];
  readonly dropped: string[];
}

export async function replan(
  id: string,
  file: string | undefined,
  options: OrderOptions,
): Promise<void> {
  const output = new Output(options);
  const read = file === undefined ? undefined : readChainFile(file);
  const body = read === undefined ? {} : { chain: read.value };
  const done = await order(id, { verb: 'replan', ...body }, options, read);
  const activated = dataOf(done.events, 'ChainActivated') as
    { generation: number; changes?: ChainChanges } | undefined;
  const { generation, changes } = activated ?? {};
  const lines = Object.entries(changes ?? {}).map(([what, names]) => {
    return `${what}: ${(names as string[]).join(', ') || 'none'}`;
  });
  const asked = dataOf(done.events, 'ApprovalRequested') !== undefined;
  const waits = asked ? 'the plan waits for a decision' : 'a plan is being made';
  const words = activated === undefined ? [waits] : [`generation ${generation}`, ...lines];
  answer(output, done, { generation, changes }, words);
}

export async function submitPlan(
  id: string,
  file: string | undefined,
  options: OrderOptions & { readonly rationale?: string },
): Promise<void> {
  const output = new Output(options);
  const read = file === undefined ? undefined : readChainFile(file);
  const { rationale } = options;
  const body = {
    ...(read === undefined ? {} : { chain: read.value }),
    ...(rationale === undefined ? {} : { rationale }),
  };
  const done = await order(id, { verb: 'submit-plan', ...body }, options, read);
  const asked = dataOf(done.events, 'ApprovalRequested') !== undefined;
  const words = asked ? 'the plan waits for a decision: writ approvals' : 'the plan is carried out';
  answer(output, done, { waits: asked }, [words]);
}

export async function changeStep(
  verb: 'add-step' | 'update-step',
  id: string,
  file: string,
  options: OrderOptions,
): Promise<void> {
  const output = new Output(options);
  const read = readStepFile(file);
  const done = await order(id, { verb, step: read.value }, options, read);
  const { name } = read.value;
  answer(output, done, { step: name }, [
    `step ${name} ${verb === 'add-step' ? 'added' : 'changed'}`,
  ]);
}

const toldOfStep = {
  'remove-step': 'removed',
  'skip-step': 'skipped',
  'retry-step': 'runs again',
} as const;

export async function tellStep(
  verb: keyof typeof toldOfStep,
  id: string,
  step: string,
  options: OrderOptions,
): Promise<void> {
  const output = new Output(options);
  const done = await order(id, { verb, step }, options);
  const reopened = done.events
    .filter(({ type }) => type === 'StepReopened')
    .map(({ data }) => (data as { step: string }).step);
  const with_ = reopened.filter((name) => name !== step);
  const words = [`step ${step} ${toldOfStep[verb]}`];
  if (with_.length > 0) words.push(`with it: ${with_.join(', ')}`);
  answer(output, done, { step, reopened }, words);
}

interface ForkOptions extends OrderOptions {
  readonly from?: number;
  readonly changes?: string;
  readonly chain?: string;
  readonly start: boolean;
}

export async function fork(id: string, options: ForkOptions): Promise<void> {
  const output = new Output(options);
  const changes = options.changes === undefined ? undefined : readAmendments(options.changes);
  const chain = options.chain === undefined ? undefined : readChainFile(options.chain);
  const body = {
    start: options.start,
    ...(options.from === undefined ? {} : { at: options.from }),
    ...(changes === undefined ? {} : { changes: changes.value }),
    ...(chain === undefined ? {} : { chain: chain.value }),
  };
  const done = await order(id, { path: 'fork', ...body }, options, chain);
  const created = dataOf(done.events, 'DirectiveCreated') as {
    fork: { at: number; kept: { step: string }[] };
  };
  const { at, kept } = created.fork;
  const names = kept.map(({ step }) => step);
  if (!output.json) output.data(done.directiveId);
  answer(output, done, { from: id, at, kept: names }, [
    `begins where ${id} stood at position ${at}; kept: ${names.join(', ') || 'no step'}`,
  ]);
}
