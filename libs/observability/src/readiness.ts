/**
 * Whether this process can do its work now: connected and consuming, not merely alive. Owns asking
 * all checks at once, each within a limit. A check that throws says no, with its message.
 */
export interface CheckAnswer {
  ok: boolean;
  detail: string;
}

/** Resolves or returns; nothing means yes. */
export type ReadinessCheck = () => CheckAnswer | void | Promise<CheckAnswer | void | unknown>;

export interface ReadinessReport {
  status: 'ready' | 'not ready';
  /** The names of the checks that said no. */
  notReady: string[];
  checks: Record<string, CheckAnswer>;
}

const isAnswer = (value: unknown): value is CheckAnswer =>
  typeof value === 'object' && value !== null && 'ok' in value && 'detail' in value;

export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();

  constructor(
    checks: Readonly<Record<string, ReadinessCheck>> = {},
    private readonly limitMs = 2_000,
  ) {
    for (const [name, check] of Object.entries(checks)) this.add(name, check);
  }

  add(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  async report(): Promise<ReadinessReport> {
    const answers = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await this.ask(check)] as const),
    );
    const notReady = answers.filter(([, answer]) => !answer.ok).map(([name]) => name);
    return {
      status: notReady.length === 0 ? 'ready' : 'not ready',
      notReady,
      checks: Object.fromEntries(answers),
    };
  }

  private async ask(check: ReadinessCheck): Promise<CheckAnswer> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<CheckAnswer>((resolve) => {
      const detail = `no answer within ${this.limitMs} ms`;
      timer = setTimeout(() => resolve({ ok: false, detail }), this.limitMs);
    });
    try {
      const answer = await Promise.race([Promise.resolve().then(check), limit]);
      return isAnswer(answer)
        ? { ok: answer.ok, detail: answer.detail }
        : { ok: true, detail: 'ok' };
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(timer);
    }
  }
}
