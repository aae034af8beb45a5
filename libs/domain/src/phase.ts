/** The phases of a directive's life, through which it also comes while it is paused or suspended. */
import type { Directive } from './directive-state';

export const nothingPlanned = { plan: null, planning: null, submitted: null };

type Phase = NonNullable<Directive['pausedFrom']>;
const phases: readonly string[] = ['planning', 'awaiting_approval'] satisfies Phase[];

/** It comes into a phase of its life, and stays paused or suspended where it is so. */
export const inPhase = (state: Directive, phase: Phase): Directive =>
  isHalted(state) ? { ...state, pausedFrom: phase } : { ...state, status: phase };

/** It starts nothing until it is resumed. */
export function halted(state: Directive, status: 'paused' | 'suspended'): Directive {
  const phase = phases.includes(state.status) ? (state.status as Phase) : 'active';
  const from = state.pausedFrom ?? phase;
  return { ...state, status, pausedFrom: from, suspension: null, movingSince: null };
}

const isHalted = ({ status }: Directive): boolean => status === 'paused' || status === 'suspended';
