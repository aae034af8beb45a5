/** Rules: made of a file, listed, shown, promoted, revoked. */
import { plainLine, RuleName, signOf, type RuleDocument, type RuleSummary } from '@writ/contracts';

import { CliError } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { readRuleFile } from '../rule-file';
import { conditionText, ruleView, standingText } from '../view/rule-view';
import { styleFor, table } from '../view/style';

interface ListOptions extends CommonOptions {
  readonly status?: string;
  readonly limit?: number;
}

interface TellOptions extends CommonOptions {
  readonly as?: string;
  readonly reason?: string;
  readonly key?: string;
}

interface Accepted {
  readonly name: string;
  readonly commandId: string;
  readonly position: number;
}

export async function add(file: string, options: TellOptions): Promise<void> {
  const output = new Output(options);
  const accepted = await post('/v1/rules', readRuleFile(file), options);
  if (output.json) return output.value(accepted);
  output.data(accepted.name);
  output.talk(`in shadow; look at it with: writ policy rules show ${accepted.name}`);
}

export async function list(options: ListOptions): Promise<void> {
  const output = new Output(options);
  const { status, limit } = options;
  const query = new URLSearchParams();
  if (status !== undefined) query.set('status', status);
  if (limit !== undefined) query.set('limit', String(limit));
  const rules = await Gateway.find().get<RuleSummary[]>(`/v1/rules?${query}`);
  if (output.json) return output.value(rules);
  if (rules.length === 0) return output.talk('no rule; make one with: writ policy rules add FILE');
  const style = styleFor(usesColour(process.stdout));
  const sign = { shadow: 'pending', promoted: 'active', revoked: 'archived' } as const;
  const rows = rules.map((rule) => [
    style.status(sign[rule.status], `${signOf(sign[rule.status])} ${rule.status}`),
    rule.name,
    rule.verdict,
    standingText(rule),
    `${rule.decided} decided`,
    plainLine(conditionText(rule), 60),
  ]);
  output.data(table(rows).join('\n'));
}

export async function show(name: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const rule = await Gateway.find().get<RuleDocument>(rulePath(name));
  if (output.json) return output.value(rule);
  output.data(ruleView(rule, styleFor(usesColour(process.stdout))).join('\n'));
}

const told = {
  promote: 'promoted: it decides what is asked from now on',
  revoke: 'revoked: it decides nothing more',
} as const;

export async function tell(
  verb: keyof typeof told,
  name: string,
  options: TellOptions,
): Promise<void> {
  const output = new Output(options);
  const { reason } = options;
  const body = { verb, ...(reason === undefined ? {} : { reason }) };
  const accepted = await post(`${rulePath(name)}/commands`, body, options);
  if (output.json) return output.value(accepted);
  output.talk(`${name} ${told[verb]}`);
}

async function post(path: string, body: object, { key, as: person }: TellOptions) {
  const who: Record<string, string> = person === undefined ? {} : { 'writ-person': person };
  const { name, commandId, position } = await Gateway.find().post<Accepted>(path, body, key, who);
  return { name, commandId, position };
}

function rulePath(name: string): string {
  if (RuleName.safeParse(name).success) return `/v1/rules/${name}`;
  const form = '"writ policy rules" shows the names';
  throw new CliError('not_found', `there is no rule ${JSON.stringify(name)}: ${form}`);
}
