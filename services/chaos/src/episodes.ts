/**
 * What the workload consists of: kinds of directives, what clients do with them, and how each may end
 * whatever is done to the stack. Dealt like cards by the seed, so that each kind comes before one comes
 * again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DirectiveFileInput } from '@writ/contracts';
import { type SeededRandom, seededRandom } from '@writ/testing';
import { type Canary, tellingScript } from './canaries';
import type { Client } from './client';
import { witnessedScript } from './witness';
import { longStep, makeDirective, stepOf } from './workload';

type End = 'completed' | 'failed' | 'stopped';

export interface Episode {
  readonly kind: EpisodeKind;
  readonly directive: DirectiveFileInput;
  /** Anything else is broken. */
  readonly mayEnd: readonly End[];
  /** What it is for: how it ends when faults do not make it a lesser one. */
  readonly shouldEnd: readonly End[];
  /** What the client does once it is accepted. */
  readonly then?: (client: Client, directiveId: string) => Promise<void>;
}

/** Where the steps find what they need. */
export interface Scene {
  readonly workFolder: string;
  readonly repository: string;
  readonly witnessPipe: string;
  readonly canaries: readonly Canary[];
  readonly leaseMs: number;
}

interface Card {
  readonly number: number;
  /** Of those who play. */
  readonly name: string;
  readonly random: SeededRandom;
  readonly scene: Scene;
}

const completed = { mayEnd: ['completed'], shouldEnd: ['completed'] } as const;
const failed = { mayEnd: ['failed'], shouldEnd: ['failed'] } as const;
const LONGER_THAN_ANY_RUN_TENTHS = 3_000;

const kinds = {
  diamond: (card) => ({ ...completed, directive: makeDirective(card.random, inFolder(card)) }),

  /** Still at work when its lease is over and another executor begins it. */
  long: (card) => {
    const longTenths = card.scene.leaseMs / 100 + 80;
    const directive = makeDirective(card.random, { ...inFolder(card), longTenths });
    return { ...completed, directive };
  },

  /** A crash in the middle of the step that may run only once leaves it in doubt. */
  once: (card) => ({
    mayEnd: ['completed', 'failed'],
    shouldEnd: ['completed'],
    directive: makeDirective(card.random, { ...inFolder(card), once: true }),
  }),

  git: (card) => {
    const { repository, witnessPipe } = card.scene;
    const step = (name: string, ...dependsOn: string[]) => {
      const seen = dependsOn.map((it) => `test -s ${it}.txt || exit 9`);
      const work = witnessedScript(card.random.int(1, 4), witnessPipe);
      const script = [...seen, `printf %s "$WRIT_RUN" > ${name}.txt`, work].join('\n');
      return stepOf(name, dependsOn, script);
    };
    const steps = [step('a'), step('b', 'a'), step('e', 'a'), step('d', 'b', 'e')];
    return { ...completed, directive: file(card, steps, { kind: 'git', repository }) };
  },

  /** Every two of them have the same bundles: what the first did, the second is handed out. */
  cached: (card) => {
    const recipe = `# ${card.name} ${Math.floor(card.number / 2)}`;
    const script = `${recipe}\n${witnessedScript(3, card.scene.witnessPipe)}\necho made > made.txt`;
    const made = { ...stepOf('made', [], script), cache: true, outputs: ['made.txt'] };
    const used = {
      ...stepOf('used', ['made'], `test -s made.txt || exit 9\n${script}`),
      cache: true,
    };
    return { ...completed, directive: file(card, [made, used]) };
  },

  judged: (card) => {
    const judged = { ...written(card, 'judged'), verify: checks('grep', '-q', 'word', 'word.txt') };
    return { ...completed, directive: file(card, [judged, written(card, 'after', 'judged')]) };
  },

  rejected: (card) => {
    const bad = { ...written(card, 'bad'), verify: checks('grep', '-q', 'other', 'word.txt') };
    return { ...failed, directive: file(card, [bad, written(card, 'after', 'bad')]) };
  },

  /** Waits for a person after each step. */
  asked: (card) => {
    const steps = [written(card, 'asked'), written(card, 'after', 'asked')];
    return {
      ...completed,
      directive: { ...file(card, steps), autonomy: 'manual' },
      then: (client, id) => client.approveAll(id),
    };
  },

  /** Its first try asks for another one. */
  retried: (card) => {
    const tried = '"tried-$WRIT_DIRECTIVE"';
    const script = `[ -e ${tried} ] || { : > ${tried}; exit 75; }\n${witnessedScript(1)}`;
    const retry = { retries: 3, baseDelayMs: 100 };
    const { workFolder: path } = card.scene;
    const steps = [{ ...stepOf('tried', [], script), retry }];
    return { ...completed, directive: file(card, steps, { kind: 'directory', path }) };
  },

  stopped: (card) => {
    const endless = witnessedScript(LONGER_THAN_ANY_RUN_TENTHS, card.scene.witnessPipe);
    const afterMs = card.random.int(0, 3_000);
    return {
      mayEnd: ['stopped'],
      shouldEnd: ['stopped'],
      directive: file(card, [stepOf(longStep, [], endless), written(card, 'after', longStep)]),
      then: async (client, id) => {
        await delay(afterMs);
        await client.tell(id, 'stop');
      },
    };
  },

  paused: (card) => {
    const [beforeMs, duringMs] = [card.random.int(0, 1_500), card.random.int(0, 3_000)];
    return {
      ...completed,
      directive: makeDirective(card.random, inFolder(card)),
      then: async (client, id) => {
        await delay(beforeMs);
        await client.tell(id, 'pause');
        await delay(duringMs);
        await client.tell(id, 'resume');
      },
    };
  },

  /** Its steps say secrets in every way, the last one in a file, which no store may take. */
  secret: (card) => {
    const [one, two, three] = card.scene.canaries;
    const work = witnessedScript(1, card.scene.witnessPipe);
    const told = stepOf('told', [], `${work}\n${tellingScript(one!)}`);
    const kept = stepOf('keeps', [], tellingScript(two!, 'kept.txt'));
    const steps = [
      {
        ...told,
        adapter: { ...told.adapter, stdoutTo: 'told.txt' },
        outputs: ['told.txt'],
        verify: checks('sh', '-c', tellingScript(two!)),
      },
      stepOf('fails', [], `${tellingScript(three!)}\nexit 3`),
      { ...kept, outputs: ['kept.txt'] },
    ];
    return { ...failed, directive: file(card, steps) };
  },
} satisfies Record<string, (card: Card) => Omit<Episode, 'kind'>>;

export type EpisodeKind = keyof typeof kinds;

/** How many cards of each kind a deck has. */
const deck: Readonly<Record<EpisodeKind, number>> = {
  ...{ diamond: 3, long: 3, once: 1, git: 3, cached: 4 },
  ...{ judged: 1, rejected: 1, asked: 1, retried: 1, stopped: 2, paused: 2, secret: 1 },
};
export const episodeKinds = Object.keys(deck) as EpisodeKind[];

export class Episodes {
  private readonly random: SeededRandom;
  private left: EpisodeKind[] = [];
  private number = 0;
  private readonly dealt = new Map<EpisodeKind, number>();

  constructor(
    seed: number,
    private readonly scene: Scene,
    /** Titles begin with it, so two of these in one stack need two names. */
    private readonly name = 'chaos',
  ) {
    this.random = seededRandom(seed);
  }

  next(kind: EpisodeKind = this.draw()): Episode {
    const before = this.dealt.get(kind) ?? 0;
    this.dealt.set(kind, before + 1);
    this.number += 1;
    // Pairs of one kind are counted by themselves; titles are of the whole.
    const number = kind === 'cached' ? before : this.number;
    const episode = kinds[kind]({
      number,
      name: this.name,
      random: this.random.fork(),
      scene: this.scene,
    });
    const { directive } = episode;
    return {
      kind,
      ...episode,
      directive: { ...directive, title: `${this.name} ${this.number}, ${kind}` },
    };
  }

  private draw(): EpisodeKind {
    if (this.left.length === 0) {
      const all = episodeKinds.flatMap((kind) => Array<EpisodeKind>(deck[kind]).fill(kind));
      this.left = this.random.shuffle(all);
    }
    return this.left.shift()!;
  }
}

const inFolder = ({ number, scene: { workFolder } }: Card) => ({ number, workFolder });

const checks = (...argv: string[]) => [{ kind: 'program' as const, argv }];

/** A step that leaves a word in a file. */
const written = ({ random, scene }: Card, name: string, ...dependsOn: string[]) => {
  const work = witnessedScript(random.int(1, 3), scene.witnessPipe);
  return { ...stepOf(name, dependsOn, `echo word > word.txt\n${work}`), outputs: ['word.txt'] };
};

function file(
  { number }: Card,
  steps: NonNullable<DirectiveFileInput['chain']>['steps'],
  workspace: DirectiveFileInput['workspace'] = { kind: 'none' },
): DirectiveFileInput {
  const about = { title: `chaos ${number}`, goal: 'come to an end, once' };
  return { ...about, autonomy: 'full_auto', workspace, chain: { steps } };
}
