/** One row of the list of directives, folded from the events of its directive alone. */
import {
  canonicalJson,
  type DirectiveEvent,
  type DirectiveStatus,
  type RecordedEvent,
} from '@writ/contracts';
import { exact } from '@writ/domain';

export interface DirectiveRow {
  id: string;
  title: string;
  status: DirectiveStatus;
  /** Where a paused or suspended one goes on. */
  paused_from: 'planning' | 'active' | null;
  reason: string | null;
  generation: number;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  cost_usd: number;
  version: number;
  position: number;
  branch: string | null;
  commit_id: string | null;
  /** Canonical JSON of CriterionResult[]; known when it is completed. */
  criteria: string;
}

/** The row after an event; only DirectiveCreated needs no row before it. */
export function foldRow(row: DirectiveRow | undefined, recorded: RecordedEvent): DirectiveRow {
  const event = recorded as unknown as DirectiveEvent;
  const { version, position, recordedAt } = recorded;
  if (event.type === 'DirectiveCreated') {
    const id = recorded.stream.slice(recorded.stream.indexOf('-') + 1);
    const fresh = { ...empty, id, title: storable(event.data.title), created_at: recordedAt };
    return { ...fresh, version, position };
  }
  if (row === undefined) throw new Error(`${recorded.stream} has ${event.type} but no row`);
  const cost_usd = exact(row.cost_usd + costOf(event));
  return { ...row, ...changeBy(event, row, recordedAt), cost_usd, version, position };
}

/** As in the ledger of the directive, B3. */
const costOf = (event: DirectiveEvent): number =>
  event.type === 'BudgetSettled' ? event.data.usage.costUsd : 0;

/** A column takes no NUL, which the log does: for one such event the whole list would stand still. */
const storable = (text: string) => text.replaceAll('\0', '\ufffd');
const reasonOf = (text: string | undefined) => (text === undefined ? null : storable(text));

const empty: DirectiveRow = {
  id: '',
  title: '',
  status: 'draft',
  paused_from: null,
  reason: null,
  generation: 0,
  created_at: '',
  started_at: null,
  completed_at: null,
  cost_usd: 0,
  version: 0,
  position: 0,
  branch: null,
  commit_id: null,
  criteria: '[]',
};

function changeBy(event: DirectiveEvent, row: DirectiveRow, at: string): Partial<DirectiveRow> {
  switch (event.type) {
    case 'DirectiveStarted':
      return { status: 'planning', started_at: at };
    case 'WorkspaceReady':
      return { branch: event.data.branch ?? null, commit_id: event.data.baseCommit ?? null };
    case 'ChainActivated': {
      const { generation } = event.data;
      const isHalted = row.status === 'paused' || row.status === 'suspended';
      return isHalted ? { generation, paused_from: 'active' } : { generation, status: 'active' };
    }
    case 'StepPassed':
      return event.data.commit === undefined ? {} : { commit_id: event.data.commit };
    case 'DirectivePaused':
    case 'DirectiveSuspended': {
      const status = event.type === 'DirectivePaused' ? 'paused' : 'suspended';
      const paused_from = row.paused_from ?? (row.status === 'planning' ? 'planning' : 'active');
      return { status, paused_from, reason: reasonOf(event.data.reason) };
    }
    case 'DirectiveAmended': {
      const { title } = event.data.set;
      return title === undefined ? {} : { title: storable(title) };
    }
    case 'DirectiveResumed':
      return { status: row.paused_from ?? 'active', paused_from: null, reason: null };
    case 'DirectiveStopped':
      return { ...end('stopped', at), reason: reasonOf(event.data.reason) };
    case 'DirectiveFailed':
      return { ...end('failed', at), reason: reasonOf(event.data.reason) };
    case 'DirectiveCompleted':
      return { ...end('completed', at), criteria: canonicalJson(event.data.criteria) };
    case 'DirectiveArchived':
      return { status: 'archived' };
    default:
      return {};
  }
}

const end = (status: DirectiveStatus, completed_at: string) => ({
  status,
  completed_at,
  paused_from: null,
});
