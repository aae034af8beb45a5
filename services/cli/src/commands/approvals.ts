/** What waits for a person: the inbox, one review, and the decision with the digest of what was seen. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type ApprovalDocument, type ApprovalReview, plainLine, signOf } from '@writ/contracts';

import { approvalPath } from '../api-path';
import { CliError } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { readBounded } from '../read-bounded';
import { decisionCommands, reviewView } from '../view/approval-view';
import { styleFor, table } from '../view/style';

interface ListOptions extends CommonOptions {
  readonly status?: string;
  readonly directive?: string;
  readonly limit?: number;
}

interface DecideOptions extends CommonOptions {
  readonly digest: string;
  readonly comment?: string;
  readonly as?: string;
  readonly key?: string;
  readonly rework?: boolean;
  readonly tick?: string;
  readonly edit?: readonly string[];
}

interface ShowOptions extends CommonOptions {
  readonly requestMd?: string;
  readonly html?: string;
}

interface TalkOptions extends CommonOptions {
  readonly question?: string;
  readonly text?: string;
  readonly choice?: string;
  readonly digest?: string;
  readonly to?: number;
  readonly as?: string;
  readonly key?: string;
}

/** As much as one upload takes. */
const MOST_OF_EDIT = 64 * 1024 * 1024;

interface Decided {
  readonly approvalId: string;
  readonly decision: string;
  readonly position: number;
}

export async function list(options: ListOptions): Promise<void> {
  const output = new Output(options);
  const { status = 'pending', directive, limit } = options;
  const query = new URLSearchParams();
  if (status !== 'all') query.set('status', status);
  if (directive !== undefined) query.set('directive', directive);
  if (limit !== undefined) query.set('limit', String(limit));
  const approvals = await Gateway.find().get<ApprovalDocument[]>(`/v1/approvals?${query}`);
  if (output.json) return output.value(approvals);
  if (approvals.length === 0) return output.talk('nothing waits for a decision');
  const style = styleFor(usesColour(process.stdout));
  const sign = { pending: 'awaiting_approval', approved: 'passed', denied: 'blocked' } as const;
  const rows = approvals.map(({ id, status: state, requestedAt, context }) => [
    style.status(state, `${signOf(sign[state as 'pending'] ?? 'cancelled')} ${state}`),
    id,
    requestedAt.replace('T', ' ').slice(0, 19),
    plainLine(context.summary, 80),
  ]);
  output.data(table(rows).join('\n'));
  const [first] = approvals;
  if (first?.status === 'pending') output.talk(`look at one with: writ approvals show ${first.id}`);
}

export async function show(id: string, options: ShowOptions): Promise<void> {
  const output = new Output(options);
  const { requestMd, html } = options;
  const gateway = Gateway.find();
  const path = `${approvalPath(id)}/review`;
  if (requestMd !== undefined) write(output, requestMd, await gateway.getText(path, markdown));
  if (html !== undefined) write(output, html, await gateway.getText(path, page));
  if ((requestMd ?? html) !== undefined) return;
  const review = await gateway.get<ApprovalReview>(path);
  const { approval, ...seen } = review;
  if (output.json) return output.value({ ...approval, ...seen });
  const style = styleFor(usesColour(process.stdout));
  output.data(reviewView(review, style).join('\n'));
  if (approval.status === 'pending') output.talk(['', ...decisionCommands(approval)].join('\n'));
}

const markdown = { accept: 'text/markdown' };
const page = { accept: 'text/html' };

function write(output: Output, file: string, text: string): void {
  if (file === '-') return output.data(text.trimEnd());
  writeFileSync(file, text);
  output.talk(`written to ${file}`);
}

export async function decide(
  verb: 'approve' | 'deny',
  id: string,
  options: DecideOptions,
): Promise<void> {
  const output = new Output(options);
  const { digest, comment, as: person, key, rework = false, tick, edit = [] } = options;
  const decision = verb === 'deny' && rework ? 'rework' : verb;
  const gateway = Gateway.find();
  const ticks = tick === undefined ? undefined : ticksOf(tick);
  const edits = edit.length === 0 ? undefined : await upload(gateway, edit);
  const body = { decision, digest, comment, ticks, edits };
  const path = `${approvalPath(id)}/decision`;
  const { approvalId, position } = await gateway.post<Decided>(path, body, key, saidBy(person));
  if (output.json) output.value({ approvalId, decision, position });
  else output.talk(`${id}: ${decision}`);
}

const saidBy = (person: string | undefined): Record<string, string> =>
  person === undefined ? {} : { 'writ-person': person };

function ticksOf(text: string): 'all' | number[] {
  if (text === 'all') return text;
  const items = text.split(',').map((it) => Number(it.trim()));
  if (items.every((it) => Number.isInteger(it) && it > 0)) return items;
  throw new CliError(
    'usage',
    `--tick takes "all" or items such as 1,2; not ${JSON.stringify(text)}`,
  );
}

/** The files are kept before anything refers to them. */
async function upload(gateway: Gateway, edits: readonly string[]) {
  const kept: { path: string; digest: string; bytes: number }[] = [];
  for (const edit of edits) {
    const at = edit.indexOf('=');
    if (at < 1) throw new CliError('usage', `--edit takes PATH=FILE; not ${JSON.stringify(edit)}`);
    const bytes = readBounded(edit.slice(at + 1), MOST_OF_EDIT, 'file');
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await gateway.put(`/v1/artifacts/${digest}`, bytes);
    kept.push({ path: edit.slice(0, at), digest, bytes: bytes.length });
  }
  return kept;
}

export async function ask(id: string, options: TalkOptions): Promise<void> {
  const { question, as: person, key } = options;
  await talk(new Output(options), id, 'questions', { question }, { key, person });
}

export async function answer(id: string, options: TalkOptions): Promise<void> {
  const { text, choice, digest, to: question, as: person, key } = options;
  if (text === undefined && choice === undefined) {
    throw new CliError('usage', 'say --text TEXT or --choice CHOICE');
  }
  const body = { text, choice, digest, question };
  await talk(new Output(options), id, 'answers', body, { key, person });
}

async function talk(
  output: Output,
  id: string,
  what: 'questions' | 'answers',
  body: object,
  { key, person }: { readonly key: string | undefined; readonly person: string | undefined },
): Promise<void> {
  const path = `${approvalPath(id)}/${what}`;
  const { approvalId, position } = await Gateway.find().post<Decided>(
    ...([path, body, key, saidBy(person)] as const),
  );
  if (output.json) output.value({ approvalId, position });
  else output.talk(`${id}: ${what === 'questions' ? 'asked' : 'answered'}`);
}
