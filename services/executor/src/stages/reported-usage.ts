/**
 * What a program says that it has used: lines on stdout, `USAGE: {"inputTokens":1,"outputTokens":2,
 * "costUsd":0.3}`. Several add up, over all tries of a run. Owns what counts, and when it is more than
 * was reserved for the attempt; who ends the program then is `try-program.ts`.
 */
import { canonicalJson, Usage, type StepBudget } from '@writ/contracts';
import { exact } from '@writ/domain';

const LABEL = 'USAGE:';
const MOST_OF_A_LINE = 4096;
const partial = Usage.partial().strict();

export const addUsage = (one: Usage | undefined, other: Usage | undefined): Usage | undefined => {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    costUsd: exact(one.costUsd + other.costUsd),
  };
};

export function exceeds(usage: Usage | undefined, reserved: StepBudget | undefined): boolean {
  if (usage === undefined || reserved === undefined) return false;
  const { costUsd = Infinity, tokens = Infinity } = reserved;
  return usage.costUsd > costUsd || usage.inputTokens + usage.outputTokens > tokens;
}

/** For people: what was reserved, against what was said. */
export function overBudget(usage: Usage, reserved: StepBudget): string {
  const { inputTokens, outputTokens, costUsd } = usage;
  const used = `$${costUsd} and ${inputTokens + outputTokens} tokens`;
  return `it has used ${used}, more than was reserved for it: ${canonicalJson(reserved)}`;
}

export class ReportedUsage {
  /** Of this try; undefined when it said nothing. */
  total: Usage | undefined;
  private rest = '';
  private skipping = false;

  /** `told` is called with each line that counts, `odd` with what is wrong with one that does not. */
  constructor(private readonly to: { told(): void; odd(message: string): void }) {}

  take(piece: Buffer): void {
    const text = this.rest + piece.toString('latin1');
    const lines = text.split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.read(line);
    if (this.rest.length <= MOST_OF_A_LINE) return;
    // Nothing that long is a report, whatever follows on its line.
    if (this.rest.startsWith(LABEL)) this.to.odd('a USAGE line is too long; it is not counted');
    this.skipping = true;
    this.rest = '';
  }

  end(): void {
    this.read(this.rest);
    this.rest = '';
  }

  private read(line: string): void {
    const whole = !this.skipping;
    this.skipping = false;
    if (!whole || !line.startsWith(LABEL)) return;
    const said = this.parse(line.slice(LABEL.length));
    if (said === undefined) {
      return this.to.odd(
        'a USAGE line is not counted: write USAGE: {"inputTokens":0,"outputTokens":0,"costUsd":0}',
      );
    }
    this.total = addUsage(this.total, said);
    this.to.told();
  }

  private parse(text: string): Usage | undefined {
    try {
      const said = partial.parse(JSON.parse(text));
      if (Object.keys(said).length === 0) return undefined;
      return { inputTokens: 0, outputTokens: 0, costUsd: 0, ...said };
    } catch {
      return undefined; // told by the caller
    }
  }
}
