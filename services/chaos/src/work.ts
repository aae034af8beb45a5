/**
 * The work that goes on while a stack is mistreated: episodes one after the other, many at a time. Owns
 * which directive is of which episode, and so what each has to come to.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DirectiveSummary } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Client } from './client';
import { type Episode, type EpisodeKind, episodeKinds, Episodes } from './episodes';

const BETWEEN_MS = 1_200;
const MOST_OPEN = 16;

export interface Ended {
  readonly completed: number;
  readonly failed: number;
  readonly stopped: number;
  /** Came to the end that they are meant to have. */
  readonly well: number;
  /** One line for each that did not end, or as it may not. */
  readonly broken: readonly string[];
}

export class Work {
  /** By directive id. */
  readonly begun = new Map<string, Episode>();

  constructor(
    private readonly client: Client,
    private readonly episodes: Episodes,
  ) {}

  /** How many directives of each kind were accepted. */
  get kinds(): Record<EpisodeKind, number> {
    const all = [...this.begun.values()];
    const count = (kind: EpisodeKind) => all.filter((it) => it.kind === kind).length;
    return Object.fromEntries(episodeKinds.map((kind) => [kind, count(kind)])) as Record<
      EpisodeKind,
      number
    >;
  }

  /** Plays until then; whoever waits for an answer has until some time after that. */
  async until(untilMs: number): Promise<void> {
    const open = new Set<Promise<unknown>>();
    while (Date.now() < untilMs) {
      const playing = this.play(this.episodes.next());
      open.add(playing);
      void playing.then(() => open.delete(playing));
      await delay(BETWEEN_MS);
      if (open.size >= MOST_OPEN) await Promise.race(open);
    }
    await Promise.all(open);
  }

  /** Submits it and does what belongs to it. What becomes of it the history says, and the log. */
  async play(episode: Episode): Promise<void> {
    try {
      const id = await this.client.submit(episode.directive);
      this.begun.set(id, episode);
      await episode.then?.(this.client, id);
    } catch {
      // Nobody answered in time, or it was refused: the check compares the history with the log.
    }
  }

  /** Waits for the last final state. */
  async allEnded(timeoutMs: number): Promise<Ended> {
    let own: DirectiveSummary[] = [];
    const isFinal = ({ status }: DirectiveSummary) => /^(completed|failed|stopped)$/.test(status);
    const all = async () => {
      own = (await this.client.list()).filter(({ id }) => this.begun.has(id));
      return own.length === this.begun.size && own.every(isFinal);
    };
    const what = 'every directive to have its final state';
    await eventually(all, { what, timeoutMs, every: 500 }).catch(() => undefined);
    const missing = this.begun.size - own.length;
    const count = (wanted: string) => own.filter(({ status }) => status === wanted).length;
    return {
      completed: count('completed'),
      failed: count('failed'),
      stopped: count('stopped'),
      well: own.filter((it) => this.ends(it, 'shouldEnd')).length,
      broken: [
        ...own
          .filter((it) => !this.ends(it, 'mayEnd'))
          .map((it) => `${it.id}, ${this.begun.get(it.id)!.kind}, is ${it.status}: ${it.reason}`),
        ...(missing === 0 ? [] : [`${missing} directives are not listed`]),
      ],
    };
  }

  private ends({ id, status }: DirectiveSummary, how: 'mayEnd' | 'shouldEnd'): boolean {
    return (this.begun.get(id)![how] as readonly string[]).includes(status);
  }
}
