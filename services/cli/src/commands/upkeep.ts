import type { LogVerification, RebuildReport } from '@writ/contracts';

import { EXIT } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { table } from '../view/style';

export async function rebuild(options: CommonOptions & { check: boolean }): Promise<number> {
  const output = new Output(options);
  const { check } = options;
  const report = await Gateway.find().work<RebuildReport>('/v1/rebuild', { check }, teller(output));
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

export async function verifyLog(options: CommonOptions): Promise<number> {
  const output = new Output(options);
  const found = await Gateway.find().work<LogVerification>('/v1/log/verify', {}, teller(output));
  if (output.json) output.value(found);
  else {
    output.data(
      table([
        ['events', String(found.events)],
        ['head', `${found.headPosition} ${found.headHash}`],
      ]).join('\n'),
    );
    const { firstBad } = found;
    if (found.ok) output.talk('every hash holds, and every checkpoint');
    else if (firstBad) output.talk(`broken at position ${firstBad.position}: ${firstBad.reason}`);
    else output.talk('the log does not hold');
  }
  return found.ok ? EXIT.ok : EXIT.verificationFailed;
}

/** Progress for a person who watches: rewritten in place on a terminal, else left out. */
function teller(output: Output): (state: unknown) => void {
  if (output.json || !process.stderr.isTTY) return () => undefined;
  return (state) => process.stderr.write(`\x1b[2K${sentence(state)}\r`);
}

function sentence(state: unknown): string {
  if (typeof state !== 'object' || state === null) return String(state);
  return Object.entries(state)
    .map(([name, value]) =>
      typeof value === 'object' ? sentence(value) : `${name} ${String(value)}`,
    )
    .join(', ');
}
