/**
 * Submits directives over NATS, as any client would, and hears when they have ended. Steps are echo
 * steps whose inputs differ, so that no step is taken from the cache.
 */
import { randomUUID } from 'node:crypto';
import { subjects, type CommandAnswer, type DirectiveFileInput } from '@writ/contracts';
import type { Bus } from '@writ/messaging';

export interface Ended {
  readonly type: string;
  /** From the sending of its command to the hearing of its end. */
  readonly ms: number;
}

const limitMs = 300_000;

export class Directives {
  private readonly waiting = new Map<string, (type: string) => void>();
  /** Ends heard before the answer to the command came. */
  private readonly early = new Map<string, string>();

  private constructor(private readonly bus: Bus) {}

  static async open(bus: Bus): Promise<Directives> {
    const directives = new Directives(bus);
    await bus.listen('writ.event.directive.>', (subject) => {
      const [, , , id = '', type = ''] = subject.split('.');
      if (!/^Directive(Completed|Failed|Stopped)$/.test(type)) return;
      const resolve = directives.waiting.get(id);
      if (resolve === undefined) directives.early.set(id, type);
      else resolve(type);
    });
    return directives;
  }

  async run(directive: DirectiveFileInput): Promise<Ended> {
    const began = performance.now();
    const id = randomUUID();
    const message = {
      subject: subjects.command('create'),
      dataText: JSON.stringify({ directive }),
      attributes: { id, type: 'writ.command.directive.create', source: '/writ/bench' },
    };
    const answer = (await this.bus.ask(message, limitMs)) as CommandAnswer;
    if (!answer.ok) throw new Error(`refused: ${answer.error.code}: ${answer.error.message}`);
    const type = await this.endOf(answer.directiveId);
    return { type, ms: performance.now() - began };
  }

  private endOf(id: string): Promise<string> {
    const heard = this.early.get(id);
    if (heard !== undefined) return Promise.resolve(heard);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`directive ${id} has not ended within ${limitMs} ms`)),
        limitMs,
      );
      this.waiting.set(id, (type) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(type);
      });
    });
  }
}

/** So many echo steps, one after the other. */
export function chainOf(steps: number): DirectiveFileInput {
  const nonce = randomUUID();
  return {
    title: 'bench',
    goal: 'measure',
    chain: {
      steps: Array.from({ length: steps }, (_, at) => ({
        name: `step-${at}`,
        dependsOn: at === 0 ? [] : [`step-${at - 1}`],
        adapter: { kind: 'echo' as const, output: { nonce, at } },
        idempotent: true,
        verify: 'none' as const,
      })),
    },
  };
}
