/**
 * A client of the gateway that repeats with its key until it is told, and writes down what it asked and
 * what it was told. Owns the history: one line for each call and each answer.
 *   invoke  asked        ok    told so, it counts        fail  refused, it did not happen
 *   info    no answer, or one that leaves it open: it may have happened
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { finalStatuses } from '@writ/contracts';
import type { DirectiveDocument, DirectiveFileInput, DirectiveSummary } from '@writ/contracts';
import { eventually } from '@writ/testing';

export type Verb = 'create' | 'pause' | 'resume' | 'stop';

export interface HistoryLine {
  readonly op: 'invoke' | 'ok' | 'fail' | 'info';
  readonly key: string;
  readonly at: string;
  readonly verb: Verb;
  /** Of a directive to be created. */
  readonly title?: string;
  /** Known beforehand, or from the answer. */
  readonly directiveId?: string;
  readonly detail?: string;
}

type About = Pick<HistoryLine, 'key' | 'verb' | 'title' | 'directiveId'>;

/** It was decided that nothing happens. */
export class Refused extends Error {}

const ANSWER_LIMIT_MS = 15_000;
const ASK_AGAIN_MS = 250;
const LIMIT_MS = 120_000;
/** Answers of the 400s that leave open what becomes of the command. */
const open = [408, 425, 429];

export class Client {
  readonly history: HistoryLine[] = [];

  constructor(
    private readonly gatewayUrl: string,
    private readonly file: string,
  ) {}

  /** Submits until it is accepted; its id. Throws Refused, and when nobody answers in time. */
  submit(
    directive: DirectiveFileInput,
    { limitMs = LIMIT_MS, key = randomUUID() as string } = {},
  ): Promise<string> {
    const about: About = { key, verb: 'create', title: directive.title };
    return this.insist(about, '/v1/directives', { directive }, limitMs);
  }

  /** Whether it was accepted; false when it was refused. Throws when nobody answers in time. */
  async tell(
    directiveId: string,
    verb: Exclude<Verb, 'create'>,
    { limitMs = LIMIT_MS, key = randomUUID() as string } = {},
  ): Promise<boolean> {
    const about: About = { key, verb, directiveId };
    try {
      await this.insist(about, `/v1/directives/${directiveId}/commands`, { verb }, limitMs);
      return true;
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
    }
  }

  /** Approves whatever it asks, until it has ended or the time is over. */
  async approveAll(directiveId: string, limitMs = LIMIT_MS): Promise<void> {
    const round = async () => {
      const response = await fetch(`${this.gatewayUrl}/v1/directives/${directiveId}`, {
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      const { status, approvals } = (await response.json()) as DirectiveDocument;
      for (const { id, digest } of approvals.filter((it) => it.status === 'pending')) {
        // Its own key: said twice it counts once.
        await this.post(id, `/v1/approvals/${id}/decision`, { decision: 'approve', digest });
      }
      return finalStatuses.includes(status);
    };
    const what = `${directiveId} to end with its approvals`;
    await eventually(round, { what, timeoutMs: limitMs, every: ASK_AGAIN_MS });
  }

  /** Throws while the gateway does not answer. */
  async list(): Promise<DirectiveSummary[]> {
    const all: DirectiveSummary[] = [];
    for (;;) {
      const last = all.at(-1)?.id;
      const after = last === undefined ? '' : `&after=${last}`;
      const response = await fetch(`${this.gatewayUrl}/v1/directives?limit=100${after}`, {
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      if (!response.ok) throw new Error(`listing was answered with ${response.status}`);
      const page = (await response.json()) as DirectiveSummary[];
      all.push(...page);
      if (page.length < 100) return all;
    }
  }

  private async insist(
    about: About,
    path: string,
    body: object,
    timeoutMs: number,
  ): Promise<string> {
    const what = `an answer to ${about.verb} of ${about.title ?? about.directiveId}`;
    const ask = async () => {
      try {
        return await this.ask(about, path, body);
      } catch (error) {
        if (error instanceof Refused) return error;
        throw error;
      }
    };
    const answer = await eventually(ask, { what, timeoutMs, every: ASK_AGAIN_MS });
    if (typeof answer === 'string') return answer;
    throw answer;
  }

  private async ask(about: About, path: string, body: object): Promise<string> {
    this.note('invoke', about);
    const { status, said } = await this.post(about.key, path, body).catch((error: Error) => {
      this.note('info', about, { detail: error.message });
      throw error;
    });
    if (status === 202 && said.directiveId !== undefined) {
      this.note('ok', about, { directiveId: said.directiveId });
      return said.directiveId;
    }
    const detail = `${status}: ${said.detail}`;
    const decided = status >= 400 && status < 500 && !open.includes(status);
    this.note(decided ? 'fail' : 'info', about, { detail });
    throw decided ? new Refused(detail) : new Error(detail);
  }

  private async post(key: string, path: string, body: object) {
    const response = await fetch(`${this.gatewayUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    const said = (await response.json()) as { directiveId?: string; detail?: string };
    return { status: response.status, said };
  }

  private note(op: HistoryLine['op'], about: About, more: Partial<HistoryLine> = {}): void {
    const line = { op, at: new Date().toISOString(), ...about, ...more };
    this.history.push(line);
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }
}
