/** Work comes through one consumer; its subject says which kind it is. */
import { subjects, type RunWork, type WorkspaceWork } from '@writ/contracts';
import type { Incoming } from '@writ/messaging';
import type { Executor } from './executor';
import { keepWorkspace, parseWorkspaceWork } from './keep-workspace';
import { parseRunWork, runStep } from './run-step';

export type Work = RunWork | WorkspaceWork;

const workspaceSubject = subjects.work('workspace');

export const parseWork = (data: unknown, subject: string): Work =>
  subject === workspaceSubject ? parseWorkspaceWork(data) : parseRunWork(data);

export function takeWork(deps: Executor, message: Incoming<Work>): Promise<void> {
  return message.subject === workspaceSubject
    ? keepWorkspace(deps, message as Incoming<WorkspaceWork>)
    : runStep(deps, message as Incoming<RunWork>);
}
