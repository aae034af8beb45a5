/** Schedules: made from a directive file, listed, shown, told what to do. */
import {
  type Issue,
  plainLine,
  type ScheduleDocument,
  type ScheduleSummary,
  signOf,
} from '@writ/contracts';

import { schedulePath } from '../api-path';
import { CliError } from '../cli-error';
import { invalid, type ReadDirective } from '../directive-file/read-directive-file';
import { Gateway } from '../gateway-client';
import { issuesOf, Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { readForSubmit, uploadInputs } from '../submit-directive';
import { nextView, scheduleView, triggerText } from '../view/schedule-view';
import { styleFor, table } from '../view/style';

interface CreateOptions extends CommonOptions {
  readonly cron?: string;
  readonly timezone?: string;
  readonly subject?: string;
  readonly from: string[];
  readonly overlap?: string;
  readonly catchUp?: string;
  readonly name?: string;
  readonly var: string[];
  readonly key?: string;
}

interface ListOptions extends CommonOptions {
  readonly status?: string;
  readonly limit?: number;
}

interface TellOptions extends CommonOptions {
  readonly reason?: string;
  readonly event?: string;
  readonly key?: string;
}

interface Accepted {
  readonly scheduleId: string;
  readonly commandId: string;
  readonly position: number;
  readonly next: readonly string[];
  readonly directiveId?: string;
}

export async function create(file: string, options: CreateOptions): Promise<void> {
  const output = new Output(options);
  const trigger = triggerOf(options);
  const read = readForSubmit(file, options.var, !process.env['WRIT_URL']);
  const { name, overlap, catchUp, key } = options;
  const given = Object.entries({ name, overlap, catchUp });
  const chosen = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  const gateway = Gateway.find((text) => output.talk(text));
  await uploadInputs(gateway, read.files);
  const body = { trigger, ...chosen, directive: read.directive };
  const accepted = await gateway
    .post<Accepted>('/v1/schedules', body, key)
    .catch((error: unknown) => {
      throw placed(error, file, read);
    });
  const { scheduleId, commandId, position, next } = accepted;
  if (output.json) return output.value({ scheduleId, commandId, position, next });
  output.data(scheduleId);
  const lines = trigger.kind === 'cron' ? nextView(next, trigger.timezone) : [];
  output.talk([...lines, `look at it with: writ schedule show ${scheduleId}`].join('\n'));
}

function triggerOf({ cron, timezone = 'UTC', subject, from }: CreateOptions) {
  if ((cron === undefined) === (subject === undefined)) {
    throw new CliError('usage', 'say when: either --cron or --subject');
  }
  if (cron !== undefined) {
    if (from.length > 0) throw new CliError('usage', '--from goes with --subject');
    return { kind: 'cron' as const, cron, timezone };
  }
  const pointers = from.map((text) => {
    const equals = text.indexOf('=');
    if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)] as const;
    throw new CliError('usage', `--from ${text}: write it as name=/json/pointer`);
  });
  return { kind: 'subject' as const, subject, variablesFrom: Object.fromEntries(pointers) };
}

/** What is wrong with the directive, with its place in the file. */
function placed(error: unknown, file: string, { place }: ReadDirective): unknown {
  if (!(error instanceof CliError) || error.code !== 'invalid_directive') return error;
  const issues = issuesOf(error.details) as Issue[];
  return issues.length === 0 ? error : invalid(file, place(issues));
}

export async function list(options: ListOptions): Promise<void> {
  const output = new Output(options);
  const { status, limit } = options;
  const query = new URLSearchParams();
  if (status !== undefined) query.set('status', status);
  if (limit !== undefined) query.set('limit', String(limit));
  const schedules = await Gateway.find().get<ScheduleSummary[]>(`/v1/schedules?${query}`);
  if (output.json) return output.value(schedules);
  if (schedules.length === 0) {
    return output.talk('no schedule; make one with: writ schedule create FILE --cron "0 6 * * *"');
  }
  const style = styleFor(usesColour(process.stdout));
  const sign = { active: 'active', paused: 'paused', removed: 'archived' } as const;
  const rows = schedules.map(({ id, name, status: state, trigger, fired }) => [
    style.status(state, `${signOf(sign[state])} ${state}`),
    id,
    plainLine(triggerText(trigger), 40),
    `${fired} fired`,
    plainLine(name, 60),
  ]);
  output.data(table(rows).join('\n'));
}

export async function show(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const schedule = await Gateway.find().get<ScheduleDocument>(schedulePath(id));
  if (output.json) return output.value(schedule);
  output.data(scheduleView(schedule, styleFor(usesColour(process.stdout))).join('\n'));
}

const told: Readonly<Record<string, string>> = {
  pause: 'paused: nothing is made until "resume"',
  resume: 'goes on',
  remove: 'removed; its directives go on',
};

export async function tell(verb: string, id: string, options: TellOptions): Promise<void> {
  const output = new Output(options);
  const { reason, event, key } = options;
  const given = Object.entries({ verb, reason, event });
  const body = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  const path = `${schedulePath(id)}/commands`;
  const accepted = await Gateway.find().post<Accepted>(path, body, key);
  const { scheduleId, commandId, position, next, directiveId } = accepted;
  if (output.json) {
    const made = directiveId === undefined ? {} : { directiveId };
    return output.value({ scheduleId, commandId, position, next, ...made });
  }
  if (directiveId === undefined) return output.talk(`${id} ${told[verb] ?? verb}`);
  output.data(directiveId);
  output.talk(`fired; follow it with: writ watch ${directiveId}`);
}
