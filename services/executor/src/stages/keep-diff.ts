/** What a run changed in a repository, as text for people, in the content store. */
import type { ContentStore } from '@writ/content-store';
import { redactText, type ProgramHost } from '@writ/programs';
import { git, GitError } from '../workspaces/git';
import type { Worktree } from '../workspaces/worktree';

/** Of a longer diff the beginning; whoever needs the rest has the repository. */
const MOST_CHARACTERS = 1024 * 1024;

/** Undefined when nothing was changed. */
export async function keepDiff(
  { commonDir, start }: Pick<Worktree, 'commonDir' | 'start'>,
  commit: string,
  { content, programs }: { readonly content: ContentStore; readonly programs: ProgramHost },
): Promise<string | undefined> {
  if (commit === start) return undefined;
  const text = await diffOf(commonDir, start, commit);
  const { needles } = programs;
  const clean = redactText(cut(text, `git diff ${start} ${commit}`), { needles, patterns: false });
  return (await content.put(Buffer.from(clean))).digest;
}

async function diffOf(gitDir: string, start: string, commit: string): Promise<string> {
  const how = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-renames'];
  try {
    return (await git(['diff', ...how, start, commit, '--'], { gitDir })).stdout;
  } catch (error) {
    // More than is read of any git: what changed is told by names and numbers.
    if (!(error instanceof GitError)) throw error;
    return (await git(['diff', ...how, '--stat=120,80,1000', start, commit, '--'], { gitDir }))
      .stdout;
  }
}

function cut(text: string, command: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  const whole = text.lastIndexOf('\n', MOST_CHARACTERS);
  const shown = text.slice(0, whole + 1);
  return `${shown}\\ The diff is cut here: ${text.length - shown.length} more characters; all of it: ${command}\n`;
}
