/**
 * The life of a step, point by point: where each process dies, with what work, and what has to follow.
 * Points are failpoints of the services' seams, by the names that the simulator has for them too.
 *
 * Not here, because nothing of it exists yet: KP04 (a model has answered), KP13 (an effect is intended)
 * and KP16 (an approval is decided). Not reached by a name: KP08 (the program is started, nothing says
 * so yet: the claim that says so comes before) lies between KP07 and KP09; of KP10 (half an artifact)
 * the half that lies in one file is the content store's own, and its conformance suite's.
 */
import type { EpisodeKind } from '../episodes';
import type { ProcessName } from '../harness';

export interface Row {
  readonly point: `KP${string}`;
  /** The process that dies, or that is held while another one is killed. */
  readonly victim: ProcessName;
  readonly at: string;
  /** The work that brings it there. */
  readonly work: EpisodeKind;
  readonly follows: string;
  /** Killed while the victim is held at the point. */
  readonly killed?: ProcessName;
  /** Where another process dies first: without that the victim would never come there. */
  readonly after?: { readonly victim: ProcessName; readonly at: string };
}

const again = 'the message comes again, or the reconciler rings: once more nothing, or all of it';
const oneAcceptance = 'the client asks again with its key: one directive, one answer';
const takeover =
  'the lease runs out, the run has another claim, and no program of the first is left';
const relay = 'the relay publishes what its writer did not; a message sent twice is no harm';
const oneVerdict = 'one evaluation; its checks may have run twice';
const oneSeal = 'one manifest, of the same bytes';
const oneMerge = 'the branch has the commit of the run once, and the log says so';
const oneApply = 'the page and its checkpoint are one: a rebuild is equal';

type Same = Pick<Row, 'victim' | 'follows'>;
const rowsOf = (
  same: Same,
  rows: readonly (readonly [Row['point'], EpisodeKind, string])[],
): Row[] => rows.map(([point, work, at]) => ({ ...same, point, work, at: `${same.victim}.${at}` }));

/** Each of them once is the short form. */
const first: readonly Row[] = [
  {
    ...{ point: 'KP00', victim: 'planner', killed: 'gateway', work: 'diamond' },
    ...{ at: 'planner.before.append.DirectiveCreated', follows: oneAcceptance },
  },
  {
    ...{ point: 'KP01', victim: 'planner', killed: 'gateway', work: 'diamond' },
    ...{ at: 'planner.after.append.DirectiveCreated', follows: oneAcceptance },
  },
  ...rowsOf({ victim: 'planner', follows: oneAcceptance }, [
    ['KP01', 'diamond', 'after.append.DirectiveCreated'],
    ['KP03', 'diamond', 'before.append.DirectiveCreated'],
    ['KP05', 'diamond', 'before.ack.planner-commands'],
  ]),
  ...rowsOf({ victim: 'planner', follows: again }, [
    ['KP05', 'diamond', 'after.append.StepPassed'],
    ['KP05', 'git', 'before.append.StepMerging'],
  ]),
  ...rowsOf({ victim: 'planner', follows: oneApply }, [
    ['KP17', 'diamond', 'after.apply.directive'],
  ]),
  ...rowsOf({ victim: 'executor', follows: again }, [
    ['KP06', 'diamond', 'before.take.executor-shell'],
    ['KP12', 'diamond', 'after.append.RunEnded'],
    ['KP12', 'diamond', 'before.ack.executor-echo'],
    ['KP12', 'cached', 'after.cache.ask'],
  ]),
  ...rowsOf({ victim: 'executor', follows: takeover }, [
    ['KP07', 'diamond', 'after.append.RunClaimed'],
    ['KP09', 'long', 'before.lease.renew'],
    ['KP10', 'judged', 'before.content.putMany'],
    ['KP11', 'diamond', 'before.append.RunEnded'],
  ]),
  ...rowsOf({ victim: 'executor', follows: oneMerge }, [['KP11', 'git', 'after.repository.merge']]),
  ...rowsOf({ victim: 'verifier', follows: oneVerdict }, [
    ['KP14', 'judged', 'after.check.program'],
    ['KP14', 'judged', 'after.append.EvaluationCompleted'],
    ['KP14', 'judged', 'before.ack.verifier-evaluations'],
  ]),
  ...rowsOf({ victim: 'manifest', follows: oneSeal }, [
    ['KP15', 'diamond', 'after.content.putMany'],
    ['KP15', 'diamond', 'after.append.ManifestSealed'],
  ]),
  ...rowsOf({ victim: 'manifest', follows: relay }, [
    ['KP02', 'diamond', 'before.send.StepPassed'],
    ['KP02', 'diamond', 'after.send.StepPassed'],
  ]).map((row): Row => {
    return { ...row, after: { victim: 'planner', at: 'planner.after.append.StepPassed' } };
  }),
];

const more: readonly Row[] = [
  ...rowsOf({ victim: 'planner', follows: oneAcceptance }, [
    ['KP03', 'diamond', 'before.take.planner-commands'],
  ]),
  ...rowsOf({ victim: 'planner', follows: again }, [
    ['KP05', 'diamond', 'before.ack.planner-runs'],
    ['KP05', 'judged', 'before.ack.planner-evaluations'],
    ['KP05', 'git', 'before.ack.planner-workspaces'],
  ]),
  ...rowsOf({ victim: 'executor', follows: again }, [
    ['KP06', 'diamond', 'before.take.executor-echo'],
    ['KP06', 'diamond', 'before.lease.acquire'],
    ['KP12', 'diamond', 'before.ack.executor-shell'],
  ]),
  ...rowsOf({ victim: 'executor', follows: takeover }, [
    ['KP07', 'diamond', 'after.lease.acquire'],
    ['KP07', 'once', 'before.program.execute'],
    ['KP11', 'judged', 'after.content.putMany'],
  ]),
  ...rowsOf({ victim: 'executor', follows: oneMerge }, [
    ['KP12', 'git', 'after.append.StepMerged'],
  ]),
  ...rowsOf({ victim: 'verifier', follows: oneVerdict }, [
    ['KP14', 'judged', 'before.take.verifier-evaluations'],
    ['KP14', 'judged', 'before.append.EvaluationCompleted'],
  ]),
  ...rowsOf({ victim: 'verifier', follows: oneApply }, [
    ['KP17', 'judged', 'after.apply.evaluation'],
  ]),
  ...rowsOf({ victim: 'manifest', follows: oneSeal }, [
    ['KP15', 'diamond', 'before.append.ManifestSealed'],
  ]),
];

const order: readonly ProcessName[] = ['planner', 'executor', 'verifier', 'manifest'];
/** Those of one victim together: it comes back from the one armed for the next. */
const byVictim = (some: readonly Row[]): Row[] =>
  order.flatMap((victim) => some.filter((row) => row.victim === victim));

export const shortRows: readonly Row[] = byVictim(first);
export const allRows: readonly Row[] = byVictim([...first, ...more]);
