/**
 * What is wrong with the directive of a schedule: at its creation, with words that stand for what a
 * message may bring, and at each firing, with what it brought. Owns where nothing of a message may
 * stand: in a shell script, and in the place where a directive works.
 */
import {
  DirectiveFile,
  explainIssues,
  isRefusal,
  SCHEDULE_VARIABLES,
  type DirectiveCommandData,
  type Issue,
  type Refusal,
  type ScheduleCommandData,
  type ScheduleEventData,
} from '@writ/contracts';
import { planFor, type Checked } from '@writ/domain';
import { isDeepStrictEqual } from 'node:util';
import { toCreate } from '../decide-command';

type Spec = Pick<ScheduleEventData<'ScheduleCreated'>, 'trigger' | 'directive'>;
type Variables = Readonly<Record<string, string>>;

/** The data of the command that makes it. Throws when the stored file is none any more. */
export function createData(
  { directive }: Pick<Spec, 'directive'>,
  directiveId: string,
  variables: Variables,
): DirectiveCommandData<'create'> {
  const file = DirectiveFile.parse(directive);
  const filled = { ...file, variables: { ...file.variables, ...variables } };
  return { directiveId, directive: filled, start: true };
}

/** At a firing: as the directive's own command would find it. */
export function problemWith(
  spec: Pick<Spec, 'directive'>,
  variables: Variables,
): Checked['problem'] {
  const read = DirectiveFile.safeParse(spec.directive);
  if (!read.success) {
    const [issue] = explainIssues(DirectiveFile, read.error, spec.directive);
    const message = `the directive cannot be read by this version: ${issue?.message ?? ''}`;
    return { reason: 'invalid', message };
  }
  const found = toCreate('', '', createData(spec, '', variables));
  return isRefusal(found) ? { reason: 'invalid', message: found.message } : undefined;
}

/** At the creation. */
export function refuseDirective(data: ScheduleCommandData<'create'>): Refusal | undefined {
  const { trigger, directive } = data;
  const undeclared = undeclaredOf(data);
  if (undeclared.length > 0) return refused('invalid_schedule', undeclared);
  const brought =
    trigger.kind === 'cron'
      ? []
      : [SCHEDULE_VARIABLES.event, ...Object.keys(trigger.variablesFrom)];
  const filled = (word: string): DirectiveFile => {
    const words = Object.fromEntries(brought.map((name) => [name, word]));
    const time = { [SCHEDULE_VARIABLES.time]: '2026-01-01T00:00:00.000Z' };
    return { ...directive, variables: { ...directive.variables, ...time, ...words } };
  };
  const found = toCreate('', '', { directive: filled('one'), start: true });
  if (isRefusal(found)) return found;
  const misplaced = misplacedIn(filled('one'), filled('two'));
  return misplaced.length > 0 ? refused('invalid_schedule', misplaced) : undefined;
}

function undeclaredOf({ trigger, directive }: ScheduleCommandData<'create'>): Issue[] {
  if (trigger.kind === 'cron') return [];
  return Object.keys(trigger.variablesFrom)
    .filter((name) => !Object.hasOwn(directive.variables, name))
    .map((name) => ({
      code: 'unknown_variable',
      message: `the directive declares no variable "${name}"; its value there is what holds without one`,
      path: `/trigger/variablesFrom/${name}`,
    }));
}

/** Where two messages would make a difference that none may make. */
function misplacedIn(one: DirectiveFile, other: DirectiveFile): Issue[] {
  const [first, second] = [planFor(one), planFor(other)];
  if ('issues' in first || 'issues' in second) return [];
  const issue = (path: string, message: string) => ({ code: 'misplaced_message', message, path });
  const scripts = first.steps.flatMap(({ adapter }, at) => {
    const beside = second.steps[at]?.adapter;
    const script = (it: typeof beside) => (it?.kind === 'shell' ? it.script : '');
    if (script(adapter) === script(beside)) return [];
    const message = 'a message never becomes a shell script; give it to a program as an argument';
    return [issue(`/directive/chain/steps/${at}/adapter/script`, message)];
  });
  if (isDeepStrictEqual(first.directive.workspace, second.directive.workspace)) return scripts;
  return [...scripts, issue('/directive/workspace', 'a message never says where to work')];
}

function refused(code: 'invalid_schedule', issues: readonly Issue[]): Refusal {
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return { refused: code, message: `${issues[0]?.message}${more}`, details: { issues } };
}
