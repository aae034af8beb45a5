import type { LogVerification, RebuildReport } from '@writ/contracts';

import { EXIT } from '../cli-error';
import { Gateway } from '../gateway-client';
import { isLive, Output } from '../output';
import type { CommonOptions } from '../program';
import { clip, table } from '../view/style';

export async function rebuild(options: CommonOptions & { check: boolean }): Promise<number> {
  const output = new Output(options);
  const { check } = options;
  const progress = new Progress(output);
  const work = Gateway.find().work<RebuildReport>('/v1/rebuild', { check }, progress.tell);
  const report = await work.finally(progress.end);
  const differ = report.projections.filter(({ equal }) => !equal);
  if (output.json) output.value(report);
  else {
    const rows = report.projections.map(({ name, rows: count, equal }) => [
      name,
      `${count} rows`,
      equal ? 'equal' : 'differs',
    ]);
    output.data(table(rows).join('\n'));
    const done = check ? 'compared' : 'replaced';
    output.talk(`${report.events} events read, read models ${done} in ${report.seconds} s`);
    if (check && differ.length > 0) output.talk('"writ rebuild" replaces what differs');
  }
  return check && differ.length > 0 ? EXIT.verificationFailed : EXIT.ok;
}

/** The number of checkpoints is for people; it is no part of the format. */
type Verified = LogVerification & { readonly checkpoints?: number };

export async function verifyLog(options: CommonOptions): Promise<number> {
  const output = new Output(options);
  const progress = new Progress(output);
  const work = Gateway.find().work<Verified>('/v1/log/verify', {}, progress.tell);
  const { checkpoints, ...found } = await work.finally(progress.end);
  if (output.json) output.value(found);
  else {
    output.data(
      table([
        ['events', String(found.events)],
        ['head', `${found.headPosition} ${found.headHash}`],
      ]).join('\n'),
    );
    const { firstBad } = found;
    if (found.ok) output.talk(`every hash holds${checkpointsHold(checkpoints ?? 0)}`);
    else if (firstBad) output.talk(`broken at position ${firstBad.position}: ${firstBad.reason}`);
    else output.talk('the log does not hold');
  }
  return found.ok ? EXIT.ok : EXIT.verificationFailed;
}

/** Without any nothing speaks against a tail that was cut off. */
function checkpointsHold(count: number): string {
  if (count === 0) return '; there is no checkpoint yet to compare the end with';
  return count === 1 ? ', and the one checkpoint' : `, and all ${count} checkpoints`;
}

/** For a person who watches: one line, rewritten in place on a terminal, gone at the end. */
class Progress {
  private readonly isShown: boolean;

  constructor(output: Output) {
    this.isShown = !output.json && isLive(process.stderr);
  }

  readonly tell = (state: unknown): void => {
    const { columns = 80 } = process.stderr;
    if (this.isShown) process.stderr.write(`\x1b[2K${clip(sentence(state), columns - 1)}\r`);
  };

  readonly end = (): void => {
    if (this.isShown) process.stderr.write('\x1b[2K');
  };
}

function sentence(state: unknown): string {
  if (typeof state !== 'object' || state === null) return String(state);
  return Object.entries(state)
    .map(([name, value]) =>
      typeof value === 'object' ? sentence(value) : `${name} ${String(value)}`,
    )
    .join(', ');
}
