/**
 * Whoever asks something of a simulated world, and remembers what was answered. Owns the patience of a
 * client: what is asked is asked again with the same id until there is an answer; what is told is sent
 * until the server has it, and then left alone.
 */
import { subjects } from '@writ/contracts';
import type { CommandAnswer } from '@writ/contracts';
import { MemoryBus, TimeoutError } from '@writ/messaging';
import type { MemoryServer, Outgoing } from '@writ/messaging';
import type { SeededRandom } from '@writ/testing';
import { pause } from '@writ/contracts';
import type { Journey } from './journey';
import type { VirtualTime } from './virtual-time';
import type { PlannedCommand } from './workload';

export interface Answered {
  readonly command: PlannedCommand;
  readonly answer: CommandAnswer;
}

/** What a process said that could not do it now; the command may have been decided or not. */
const GIVEN_UP = ['exhausted', 'unavailable'];

export class Client {
  readonly answered: Answered[] = [];
  /** The server had them at this time. */
  readonly told: { readonly command: PlannedCommand; readonly at: number }[] = [];
  private waiting = 0;
  private readonly bus: MemoryBus;
  private askings = 0;

  constructor(
    server: MemoryServer,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private readonly journey: Journey,
  ) {
    this.bus = new MemoryBus({ server, name: 'client' });
  }

  /** Commands that it still waits for. */
  get open(): number {
    return this.waiting;
  }

  plan(commands: readonly PlannedCommand[]): void {
    for (const command of commands) {
      this.waiting += 1;
      this.time.after(command.atMs - this.time.nowMs, () => void this.give(command));
    }
  }

  /** The dead letters of the world. */
  deadLetters() {
    return this.bus.deadLetters.list({ limit: 1_000 });
  }

  private async give(command: PlannedCommand): Promise<void> {
    this.journey.note(`the client says ${command.verb} (${command.commandId}, ${command.how})`);
    if (command.how === 'ask') await this.ask(command);
    else await this.tell(command);
    this.waiting -= 1;
  }

  private async ask(command: PlannedCommand): Promise<void> {
    for (;;) {
      const answer = await this.askOnce(command);
      if (answer === undefined || (!answer.ok && GIVEN_UP.includes(answer.error.code))) {
        await pause(this.time.clock, this.random.int(100, 1_500));
        continue;
      }
      this.answered.push({ command, answer });
      const said = answer.ok ? `yes, at version ${answer.version}` : `no: ${answer.error.code}`;
      this.journey.note(`the client hears about ${command.commandId}: ${said}`);
      return;
    }
  }

  /** Undefined when there was no answer. */
  private async askOnce(command: PlannedCommand): Promise<CommandAnswer | undefined> {
    try {
      const answer = await this.bus.ask(this.messageOf(command), this.random.int(2_000, 8_000));
      return answer as CommandAnswer;
    } catch (error) {
      if (error instanceof TimeoutError || (error as Error).name === 'SendError') return undefined;
      throw error;
    }
  }

  private async tell(command: PlannedCommand): Promise<void> {
    this.askings += 1;
    const message = { ...this.messageOf(command), messageId: `told-${this.askings}` };
    for (;;) {
      try {
        await this.bus.send(message);
        this.told.push({ command, at: this.time.date().getTime() });
        return;
      } catch (error) {
        if ((error as Error).name !== 'SendError') throw error;
        await pause(this.time.clock, this.random.int(100, 1_500));
      }
    }
  }

  private messageOf({ verb, commandId, data }: PlannedCommand): Outgoing {
    const subject = subjects.command(verb);
    const actor = { kind: 'person', id: 'client' } as const;
    const attributes = { id: commandId, type: subject, source: '/simulator/client', actor };
    return { subject, dataText: JSON.stringify(data), attributes };
  }
}
