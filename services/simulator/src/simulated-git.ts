/**
 * The repositories of the simulated world: a branch for each directive, the candidate commits of runs,
 * and what was merged. Commits are hashes of what led to them. Owns what git owns: a branch moves by
 * compare-and-swap, a commit that is in it is not merged again, and what one process of git has done
 * stays done, whoever asked for it is gone.
 */
import { createHash } from 'node:crypto';
import { branchOf, pause } from '@writ/contracts';
import type { Repositories } from '@writ/executor';
import type { SeededRandom } from '@writ/testing';
import type { Journey } from './journey';
import type { VirtualTime } from './virtual-time';

/** No repository is there. */
export const MISSING = '/simulated/missing';
export const REPOSITORY = '/simulated/repository';

interface Branch {
  head: string;
  ancestors: ReadonlySet<string>;
  /** Every head it has had, with what was in it then. */
  readonly before: Map<string, ReadonlySet<string>>;
}

type Merged = Awaited<ReturnType<Repositories['merge']>>;

const GIT_MS = [2, 120] as const;
const ATTEMPTS = 20;

export class SimulatedGit implements Repositories {
  private readonly branches = new Map<string, Branch>();
  private readonly candidates = new Map<string, string>();

  constructor(
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private readonly journey: Journey,
  ) {}

  async prepare(...[directiveId, workspace]: Parameters<Repositories['prepare']>) {
    await this.work();
    if (workspace.kind === 'directory') return { kind: workspace.kind, path: workspace.path };
    const { repository: path } = workspace;
    if (path === MISSING) return { code: 'repository_missing', message: `there is no ${path}` };
    const [branch, baseCommit] = [branchOf(directiveId), commitOf(`base of ${directiveId}`)];
    if (!this.branches.has(branch)) {
      const ancestors = new Set([baseCommit]);
      this.branches.set(branch, { head: baseCommit, ancestors, before: new Map() });
    }
    return { kind: workspace.kind, path, branch, baseCommit };
  }

  async merge({ branch: name, commit }: Parameters<Repositories['merge']>[0]): Promise<Merged> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const branch = this.branches.get(name);
      if (branch === undefined) throw new Error(`there is no branch ${name}`);
      const { head } = branch;
      await this.work();
      if (branch.ancestors.has(commit)) return { merged: true, head: branch.head };
      if (conflicts(commit)) return { merged: false, paths: ['same.txt'], message: 'a conflict' };
      if (branch.head !== head) continue; // somebody else was faster
      branch.before.set(head, branch.ancestors);
      branch.head = commitOf(`${head} and ${commit}`);
      branch.ancestors = new Set([...branch.ancestors, commit, branch.head]);
      this.journey.note(`${commit.slice(0, 8)} is merged into ${name}`);
      return { merged: true, head: branch.head };
    }
    throw new Error(`the branch ${name} moved ${ATTEMPTS} times`);
  }

  async rollback({ branch: name, to, expected }: Parameters<Repositories['rollback']>[0]) {
    await this.work();
    const branch = this.branches.get(name);
    if (branch === undefined) throw new Error(`there is no branch ${name}`);
    if (branch.head === to) return {};
    if (this.random.chance(0.2)) {
      return { code: 'branch_checked_out', message: `${name} is checked out` };
    }
    const ancestors = branch.before.get(to);
    if (branch.head !== expected || ancestors === undefined) {
      return { code: 'branch_moved', message: `${name} is at ${branch.head}` };
    }
    [branch.head, branch.ancestors] = [to, ancestors];
    this.journey.note(`${name} goes back to ${to.slice(0, 8)}`);
    return { kept: `refs/writ/rolled-back/${name}/1` };
  }

  headOf(directiveId: string): string | undefined {
    return this.branches.get(branchOf(directiveId))?.head;
  }

  has(directiveId: string, commit: string): boolean {
    return this.branches.get(branchOf(directiveId))?.ancestors.has(commit) === true;
  }

  candidateOf(runId: string): string | undefined {
    return this.candidates.get(runId);
  }

  /** The commit of what a run changed. Throws when another one has kept a candidate since `seen`. */
  async keepCandidate(runId: string, what: string, seen: string | undefined): Promise<string> {
    await this.work();
    const commit = commitOf(`${runId} ${what}`);
    if (this.candidates.get(runId) !== seen) {
      throw new Error(`the candidate of ${runId} belongs to somebody else by now`);
    }
    this.candidates.set(runId, commit);
    return commit;
  }

  private work(): Promise<void> {
    return pause(this.time.clock, this.random.int(...GIT_MS));
  }
}

const commitOf = (text: string): string => createHash('sha1').update(text).digest('hex');

/** One commit in eight changes what another step has changed. */
const conflicts = (commit: string): boolean => /^[cd]/.test(commit);
