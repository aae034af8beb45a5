/** What the record says when it is asked: why, where two part, what another policy would have done. */
import type { BacktestReport, DirectiveDiff, Why } from '@writ/contracts';
import { DirectiveId, MomentText } from '@writ/contracts';

import { directivePath } from '../api-path';
import { CliError } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output, usesColour } from '../output';
import { readPolicyFile } from '../policy-file';
import type { CommonOptions } from '../program';
import { backtestView } from '../view/backtest-view';
import { diffView } from '../view/diff-view';
import { styleFor } from '../view/style';
import { whyView } from '../view/why-view';

const ID_CHARACTERS = 16;

/** Of a directive, a step (`<directive>-g<n>-<step>`), a run or an approval: all begin with its id. */
export async function why(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const directive = id.slice(0, ID_CHARACTERS);
  const path = directivePath(DirectiveId.safeParse(directive).success ? directive : id);
  const query = id === directive ? '' : `?${new URLSearchParams({ of: id })}`;
  const found = await Gateway.find().get<Why>(`${path}/why${query}`);
  if (output.json) return output.value(found);
  output.data(whyView(found, styleFor(usesColour(process.stdout))).join('\n'));
}

/** `ID` or `ID@POSITION` or `ID@TIME`. */
export async function diff(a: string, b: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const query = new URLSearchParams({ a: checkedSide(a), b: checkedSide(b) });
  const found = await Gateway.find().get<DirectiveDiff>(`/v1/diff?${query}`);
  if (output.json) return output.value(found);
  output.data(diffView(found, styleFor(usesColour(process.stdout))).join('\n'));
}

function checkedSide(side: string): string {
  const at = side.indexOf('@');
  directivePath(at < 0 ? side : side.slice(0, at)); // a name that cannot be one is told here
  if (at < 0 || MomentText.safeParse(side.slice(at + 1)).success) return side;
  const form = 'write ID, ID@POSITION or ID@TIME (2026-01-31T12:00:00Z)';
  throw new CliError('usage', `${side} names no moment of a directive: ${form}`);
}

interface BacktestOptions extends CommonOptions {
  readonly policy: string;
  readonly since?: string;
  readonly limit?: number;
}

export async function backtest(options: BacktestOptions): Promise<void> {
  const output = new Output(options);
  const { policy: file, since, limit } = options;
  const policy = readPolicyFile(file);
  const body = {
    policy,
    ...(since === undefined ? {} : { since }),
    ...(limit === undefined ? {} : { limit }),
  };
  const report = await Gateway.find().post<BacktestReport>('/v1/backtest', body);
  if (output.json) return output.value(report);
  output.data(backtestView(report, styleFor(usesColour(process.stdout))).join('\n'));
}
