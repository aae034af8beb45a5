/**
 * A client of the gateway that repeats with its key until it is told, and writes down what it asked and
 * what it was told. Owns the history: one line for each call and each answer.
 *   invoke  asked        ok    told so, it counts        fail  refused, it did not happen
 *   info    no answer, or one that leaves it open: it may have happened
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import type { DirectiveFileInput, DirectiveSummary } from '@writ/contracts';
import { eventually } from '@writ/testing';

export interface HistoryLine {
  readonly op: 'invoke' | 'ok' | 'fail' | 'info';
  readonly key: string;
  readonly at: string;
  readonly directiveId?: string;
  readonly detail?: string;
}

const ANSWER_LIMIT_MS = 15_000;
const ASK_AGAIN_MS = 250;

export class Client {
  readonly history: HistoryLine[] = [];

  constructor(
    private readonly gatewayUrl: string,
    private readonly file: string,
  ) {}

  /** Submits until it is accepted; its id. Throws when it is refused or nobody answers in time. */
  async submit(directive: DirectiveFileInput, limitMs = 120_000): Promise<string> {
    const key = randomUUID();
    const id = await eventually(() => this.submitOnce(key, directive), {
      what: 'the directive to be accepted',
      timeoutMs: limitMs,
      every: ASK_AGAIN_MS,
    });
    return id!;
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

  private async submitOnce(key: string, directive: DirectiveFileInput): Promise<string> {
    this.note('invoke', key);
    const { status, body } = await this.post(key, directive).catch((error: Error) => {
      this.note('info', key, { detail: error.message });
      throw error;
    });
    if (status === 202 && body.directiveId !== undefined) {
      this.note('ok', key, { directiveId: body.directiveId });
      return body.directiveId;
    }
    const detail = `${status}: ${body.detail}`;
    this.note(status < 500 && status !== 429 ? 'fail' : 'info', key, { detail });
    throw new Error(detail);
  }

  private async post(key: string, directive: DirectiveFileInput) {
    const response = await fetch(`${this.gatewayUrl}/v1/directives`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ directive }),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    const body = (await response.json()) as { directiveId?: string; detail?: string };
    return { status: response.status, body };
  }

  private note(op: HistoryLine['op'], key: string, more: Partial<HistoryLine> = {}): void {
    const line = { op, key, at: new Date().toISOString(), ...more };
    this.history.push(line);
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }
}
