/** A decision about a directive in the making: its events so far, and where they lead. */
import type { DirectiveEvent } from '@writ/contracts';
import { evolveDirective } from './directive-evolution';
import { type Directive, type DirectiveState } from './directive-state';

export class Draft {
  readonly events: DirectiveEvent[] = [];
  private readonly stream: string;
  private readonly metadata;
  private current: DirectiveState;

  constructor(before: DirectiveState, id: string) {
    this.current = before;
    this.stream = `directive-${id}`;
    this.metadata = { commandId: '', correlationId: id, actor } as const;
  }

  get state(): Directive {
    if (this.current.status === 'absent') throw new Error('a decision begins with its creation');
    return this.current;
  }

  emit(event: DirectiveEvent): void {
    const { type, data } = event;
    this.events.push(event);
    this.current = evolveDirective(this.current, {
      type,
      data,
      stream: this.stream,
      version: this.current.status === 'absent' ? 1 : this.current.version + 1,
      // Place, time and sender are the log's to give; no decision looks at them.
      id: '',
      position: 0,
      recordedAt: '',
      schemaVersion: 1,
      metadata: this.metadata,
    });
  }
}

const actor = { kind: 'service', id: 'planner' } as const;
