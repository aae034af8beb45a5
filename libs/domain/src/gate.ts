/**
 * The gate: what becomes of a step whose result has been judged, by the autonomy that the directive
 * gives and the level of confidence. The one place where this is decided.
 */
import type { Autonomy, ConfidenceLevel } from '@writ/contracts';

/**
 * `pass` and `flag` let it pass, the second with a mark for people; `approval` asks a person first;
 * `rework` runs it again with what was found; `block` ends it, and what depends on it.
 */
export type GateAction = 'pass' | 'flag' | 'approval' | 'rework' | 'block';

export type GateRow = Readonly<Record<ConfidenceLevel, GateAction>> & {
  /** Of red, when rework is at its limit or does not help. */
  readonly atLimit: GateAction;
};

export const gateTable: Readonly<Record<Autonomy, GateRow>> = {
  full_auto: { green: 'pass', yellow: 'flag', unknown: 'flag', red: 'rework', atLimit: 'block' },
  guardrails: {
    ...{ green: 'pass', yellow: 'approval', unknown: 'approval' },
    ...{ red: 'rework', atLimit: 'approval' },
  },
  manual: {
    ...{ green: 'approval', yellow: 'approval', unknown: 'approval' },
    ...{ red: 'approval', atLimit: 'approval' },
  },
};

/** `level` null: the step asks for no judgement (`verify: none`). */
export function gate(
  autonomy: Autonomy,
  level: ConfidenceLevel | null,
  reworkIsOver: boolean,
  table: Readonly<Record<Autonomy, GateRow>> = gateTable,
): GateAction {
  const row = table[autonomy];
  if (level === null) return row.green;
  return level === 'red' && row.red === 'rework' && reworkIsOver ? row.atLimit : row[level];
}
