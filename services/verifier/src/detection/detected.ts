/** One check that the files of a repository ask for. */
import type { DetectedWhat } from '@writ/contracts';

export interface Detected {
  readonly what: DetectedWhat;
  /** The file that asks for it. */
  readonly by: string;
  readonly argv: readonly string[];
  /** Without this at the top of the repository it cannot run. */
  readonly needs?: string;
  /** What its end says when the fault is not with the files: a tool, a network that is not there. */
  readonly couldNot?: CouldNot;
}

export interface CouldNot {
  readonly exitCodes?: readonly number[];
  readonly says?: RegExp;
}

/** What asks for something at the top of a repository: one line of the table for each kind of it. */
export interface Row {
  readonly kind: string;
  readonly detect: (files: Look) => readonly Detected[];
}

/** The files, as rows ask about them. */
export interface Look {
  /** The first of these that is there. */
  first(...names: string[]): string | undefined;
  /** Of a file that is not there: the empty text. */
  text(name: string): string;
  /** The names that match. */
  matching(pattern: RegExp): string[];
}
