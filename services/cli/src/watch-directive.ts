/**
 * Watching a directive to its end, on a screen or line by line. Owns what Ctrl-C does: once leaves
 * the directive to itself and says how to come back, twice ends the command at once.
 */
import { type DirectiveDocument, type LogPiece, plainLine } from '@writ/contracts';

import { EXIT } from './cli-error';
import { followDirective } from './follow-directive';
import type { Gateway } from './gateway-client';
import { isLive, type Output, usesColour } from './output';
import { chainView } from './view/chain-view';
import { LiveScreen } from './view/live-screen';
import { StepLines } from './view/step-lines';
import { styleFor } from './view/style';

const REDRAW_MS = 200;
/** So many runs are listened to at a time. */
const LISTENED = 8;

export interface WatchOptions {
  readonly timeoutMs?: number | undefined;
  readonly output: Output;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Leave when it goes on only after somebody has decided. */
  readonly leaveWaiting?: boolean;
}

/** The directive as it ended. Throws CliError: not_found, timeout, interrupted. */
export async function watchDirective(
  gateway: Gateway,
  id: string,
  options: WatchOptions,
): Promise<DirectiveDocument> {
  const { output } = options;
  const view =
    output.json || !isLive(process.stderr)
      ? linesView(output)
      : screenView(gateway, process.stderr);
  let last: DirectiveDocument | undefined;
  try {
    for await (const directive of followDirective(gateway, id, options)) {
      view.show(directive);
      last = directive;
      if (options.leaveWaiting === true && waitsForPerson(directive)) break;
    }
  } finally {
    view.close();
  }
  return last!;
}

/** Nothing of it is under way or will be before somebody decides, or lets it go on. */
export function waitsForPerson({ status, steps }: DirectiveDocument): boolean {
  const under = steps.some((step) => ['running', 'evaluating', 'merging'].includes(step.status));
  if (under) return false;
  return status === 'paused' || steps.some((step) => step.status === 'awaiting_approval');
}

/** What somebody has to type before it goes on. */
export function wayOut({ id, status, reason, approvals }: DirectiveDocument): string[] {
  if (status === 'paused') {
    return [`${id} is paused${reason === undefined ? '' : `: ${reason}`}; writ resume ${id}`];
  }
  const waiting = approvals.filter((approval) => approval.status === 'pending');
  return [
    `${id} waits for a decision about ${waiting.map(({ stepName }) => stepName).join(', ')}:`,
    ...waiting.map((approval) => `  writ approvals show ${approval.id}`),
    `then come back with: writ watch ${id}`,
  ];
}

export function outcomeOf(directive: DirectiveDocument): number {
  const { status } = directive;
  if (waitsForPerson(directive)) return EXIT.waiting;
  return status === 'completed' || status === 'archived' ? EXIT.ok : EXIT.failed;
}

/** Aborted by Ctrl-C, or when the terminal closes; a second time ends the process, whatever it does. */
export function interruption(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const heard = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of signals) process.on(name, heard);
  const release = () => {
    for (const name of signals) process.off(name, heard);
  };
  return { signal: controller.signal, release };
}

interface View {
  show(directive: DirectiveDocument): void;
  close(): void;
}

function linesView(output: Output): View {
  const lines = new StepLines();
  return {
    show: (directive) => {
      for (const line of lines.changes(directive)) output.talk(line);
    },
    close: () => undefined,
  };
}

function screenView(gateway: Gateway, stream: NodeJS.WriteStream): View {
  const screen = new LiveScreen(stream);
  const style = styleFor(usesColour(stream));
  const lastLines = new LastLines(gateway);
  let directive: DirectiveDocument | undefined;
  const draw = () => {
    if (directive === undefined) return;
    const { columns = 80, rows = 24 } = stream;
    const size = { columns: columns - 1, rows: rows - 1 };
    screen.draw(
      chainView(directive, { now: Date.now(), ...size, style, lastLines: lastLines.byRun }),
    );
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    show: (next) => {
      directive = next;
      lastLines.listenTo(next);
      draw();
    },
    close: () => {
      clearInterval(timer);
      lastLines.close();
      draw();
      screen.close();
    },
  };
}

/** The last line that each running step said. */
class LastLines {
  readonly byRun = new Map<string, string>();
  private readonly listening = new Map<string, AbortController>();

  constructor(private readonly gateway: Gateway) {}

  listenTo({ steps }: DirectiveDocument): void {
    const running = steps.filter(({ status }) => status === 'running').map(({ runId }) => runId);
    for (const [runId, controller] of this.listening) {
      if (running.includes(runId)) continue;
      controller.abort();
      this.listening.delete(runId);
    }
    for (const runId of running) {
      if (runId === null || this.listening.has(runId) || this.listening.size >= LISTENED) continue;
      const controller = new AbortController();
      this.listening.set(runId, controller);
      // Decoration: without it the chain is drawn all the same, and a run that is not known yet is
      // asked for again with the next change.
      this.listen(runId, controller.signal).catch(() => this.listening.delete(runId));
    }
  }

  close(): void {
    for (const controller of this.listening.values()) controller.abort();
  }

  private async listen(runId: string, signal: AbortSignal): Promise<void> {
    for await (const { event, data } of this.gateway.events(`/v1/runs/${runId}/logs`, signal)) {
      if (event === 'end') return;
      const { text } = JSON.parse(data) as LogPiece;
      const line = text.trimEnd().split('\n').at(-1) ?? '';
      if (line !== '') this.byRun.set(runId, plainLine(line));
    }
  }
}
