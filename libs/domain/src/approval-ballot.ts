/**
 * What a vote has to hold besides its decision, by what is asked: ticks, edits, an answer. Owns which
 * files a person may put in the place of what a run made.
 */
import {
  canonicalJson,
  compileGlob,
  HUMAN_ANSWER,
  type ApprovalEdit,
  type ApprovalEventData,
  type ArtifactRef,
  type PlannedStep,
  type Refusal,
  type Workspace,
} from '@writ/contracts';
import { digestOf, editsOf, subjectDigest, type Approval } from './approvals';

export interface Ballot {
  readonly ticks?: 'all' | readonly number[];
  readonly edits?: readonly ApprovalEdit[];
  readonly answer?: { readonly choice?: string; readonly text?: string };
  /** The answer in the content store: see `answerText`. */
  readonly artifact?: { readonly digest: string; readonly bytes: number };
}

type Extras = Pick<
  ApprovalEventData<'ApprovalVoted'>,
  'ticks' | 'edits' | 'editedDigest' | 'answer'
>;

const invalid = (message: string, details?: unknown): Refusal => {
  return { refused: 'incomplete', message, details };
};

/** What of it is recorded with the vote of one who approves; or why it does not do. */
export function extrasOf(
  approval: Approval,
  ballot: Ballot,
  spec: PlannedStep | undefined,
  workspace: Workspace['kind'],
): Extras | Refusal {
  const ticks = ticksOf(approval, ballot);
  if (ticks !== undefined && 'refused' in ticks) return ticks;
  const edits = editsIn(approval, ballot, spec, workspace);
  if (edits !== undefined && 'refused' in edits) return edits;
  const answer = answerIn(approval, ballot);
  if (answer !== undefined && 'refused' in answer) return answer;
  return { ...ticks, ...edits, ...answer };
}

/** A6 of `approvals.ts` */
function ticksOf(
  { request }: Approval,
  { ticks }: Ballot,
): Pick<Extras, 'ticks'> | Refusal | undefined {
  const list = request.policy.checklist ?? [];
  const all = list.map((_, at) => at + 1);
  const given = ticks === 'all' ? all : [...new Set(ticks ?? [])].sort((a, b) => a - b);
  const unknown = given.filter((it) => it > list.length);
  if (unknown.length > 0) {
    const items = list.length === 1 ? 'one item' : `${list.length} items`;
    return invalid(`the checklist has ${items}; there is no ${unknown.join(', ')}`, { unknown });
  }
  const missing = all.filter((it) => !given.includes(it));
  if (missing.length > 0) {
    const named = missing.map((it) => `${it} (${list[it - 1]})`).join(', ');
    return invalid(`not ticked: ${named}`, { missing });
  }
  return list.length === 0 ? undefined : { ticks: given };
}

function editsIn(
  approval: Approval,
  { edits }: Ballot,
  spec: PlannedStep | undefined,
  workspace: Workspace['kind'],
): Pick<Extras, 'edits' | 'editedDigest'> | Refusal | undefined {
  if (edits === undefined) return undefined;
  const { run, type, approvalId } = approval.request;
  if (run === undefined || type !== 'step_review') {
    const message = `approval ${approvalId} is a ${type}; there is no file in it to edit`;
    return { refused: 'not_available', message };
  }
  if (workspace === 'directory') {
    const message = 'a directory is edited where it is; only files of git or no workspace are here';
    return { refused: 'not_available', message };
  }
  const paths = new Set(edits.map(({ path }) => path));
  if (paths.size < edits.length) return invalid('a file is edited twice in one decision');
  const globs = (spec?.outputs ?? []).map((glob) => compileGlob(glob));
  const made = new Set(run.artifacts.map(({ path }) => path));
  const strange = [...paths].filter((path) => !made.has(path) && !globs.some(takes(path)));
  if (strange.length > 0) {
    const message = `${strange.join(', ')} is neither an artifact of the run nor a declared output`;
    return { refused: 'not_allowed', message, details: { paths: strange } };
  }
  const editedDigest = subjectDigest({ before: digestOf(approval), edits });
  return { edits: [...edits], editedDigest };
}

const takes = (path: string) => (glob: ReturnType<typeof compileGlob>) => glob.matches(path);

function answerIn(
  { request }: Approval,
  { answer, artifact }: Ballot,
): Pick<Extras, 'answer'> | Refusal | undefined {
  const { question } = request;
  if (question === undefined) return undefined;
  const { choice, text } = answer ?? {};
  const { choices } = question;
  if (artifact === undefined || (choice === undefined && text === undefined)) {
    return invalid(`approval ${request.approvalId} is a question; answer it: writ answer`);
  }
  if (choices !== undefined && (choice === undefined || !choices.includes(choice))) {
    return invalid(`the answer is one of: ${choices.join(', ')}`, { choices });
  }
  if (choices === undefined && choice !== undefined) {
    return invalid('the question has no choices; answer it in words');
  }
  return { answer: { ...answer, artifact: { path: HUMAN_ANSWER, ...artifact } } };
}

/** The content of the artifact of an answered question. */
export function answerText(
  question: string,
  answer: { readonly choice?: string; readonly text?: string },
  by: string,
  at: string,
): string {
  const { choice, text } = answer;
  const said = choice === undefined ? { answer: text } : { answer: choice, text };
  return `${canonicalJson({ question, by, at, ...said })}\n`;
}

/** What the run made, with what people put in the place of it. */
export function editedArtifacts(
  artifacts: readonly ArtifactRef[],
  approval: Pick<Approval, 'votes'>,
): ArtifactRef[] {
  const byPath = new Map(artifacts.map((it) => [it.path, it]));
  for (const { by, ...edit } of editsOf(approval)) {
    byPath.set(edit.path, { ...byPath.get(edit.path), ...edit, authoredBy: by });
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
