/** What a job is: a name, what can be said about it, and how it measures on the stage it is given. */
import type { Directives } from './directives';
import type { Stack } from './stack';
import type { Usage } from './usage';

export type Parameters = Readonly<Record<string, number | string>>;

export interface JobOption {
  /** As on the command line, without dashes: `directives`. */
  readonly name: string;
  readonly means: string;
  /** Its kind is that of the parameter. */
  readonly standard: number | string;
  /** A text that must be one of these. */
  readonly oneOf?: readonly string[];
  /** 0 is a number too. */
  readonly orNone?: true;
}

/** What a job needs, and what it must not care about: where the stack is and who stops it. */
export interface Stage {
  readonly stack: Stack;
  /** How often it is measured; medians are told. */
  readonly rounds: number;
  /** So many directives at once, and two in five of them again one after the other, before that. */
  readonly warmUp: number;
  /** What happens, for who waits. */
  readonly say: (text: string) => void;
  /** A connection of its own, closed at the end unless the job closes it before. */
  connect(): Promise<Directives>;
}

export type Result = Partial<Usage> & { readonly seconds: number } & Readonly<
    Record<string, unknown>
  >;

export interface Job {
  readonly name: string;
  readonly does: string;
  readonly options: readonly JobOption[];
  /** The services that the stack has when it begins; default: all. */
  readonly only?: readonly string[];
  /** Of `Stage.rounds` where nobody says; default 3. */
  readonly rounds?: number;
  measure(stage: Stage, parameters: Parameters): Promise<Result>;
}

/** A number among the parameters; commander has checked it. */
export const numberOf = (parameters: Parameters, name: string): number => Number(parameters[name]);
