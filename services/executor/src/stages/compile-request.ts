/**
 * What an http step asks, final to the last header. Owns which variables of the executor a header may
 * hold: those that programs get too (WRIT_PASS_ENV), as `${env:NAME}`. What comes from there may be
 * said to who is asked, and to nobody else: it is taken out of all that is kept.
 */
import { looksLikeSecret, needlesOf, type Needle, type ProgramHost } from '@writ/programs';
import type { AdapterOf } from '../adapters/adapter';
import { failStage } from './stage-log';

export interface CompiledRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** Of the variables in it, besides those that are known to be secret. */
  readonly needles: readonly Needle[];
}

const VARIABLE = /\$\{env:([^}]*)\}/g;

/** The names of the variables that the headers hold. */
export function variablesIn({ headers = {} }: Pick<AdapterOf<'http'>, 'headers'>): string[] {
  const names = Object.values(headers).flatMap((value) =>
    [...value.matchAll(VARIABLE)].map(([, name = '']) => name),
  );
  return [...new Set(names)].sort();
}

/** Throws StageFailed. */
export function compileRequest(
  adapter: Pick<AdapterOf<'http'>, 'headers'>,
  runId: string,
  { passed, secretNames }: Pick<ProgramHost, 'passed' | 'secretNames'>,
): CompiledRequest {
  const used = variablesIn(adapter);
  const missing = used.find((name) => !Object.hasOwn(passed, name));
  if (missing !== undefined) {
    const text = `the variable ${missing} in a header is not passed on: set it for the executor, and name it in WRIT_PASS_ENV`;
    throw failStage('invalid', 'variable_not_passed', text);
  }
  const filled = Object.entries(adapter.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    value.replace(VARIABLE, (_, variable: string) => passed[variable] ?? ''),
  ]);
  const secret = used.filter((name) => secretNames.includes(name) || looksLikeSecret(name));
  return {
    headers: { 'idempotency-key': runId, ...(Object.fromEntries(filled) as object) },
    needles: needlesOf(secret.map((name) => ({ name, value: passed[name] ?? '' }))),
  };
}
