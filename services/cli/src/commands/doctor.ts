/** Looks at everything that Writ needs here, and says for each thing that is wrong what cures it. */
import { EXIT } from '../cli-error';
import type { Finding } from '../diagnosis/finding';
import { lookAtMachine } from '../diagnosis/look-at-machine';
import { lookAtStack } from '../diagnosis/look-at-stack';
import { writHome } from '../local/stack-home';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { styleFor, table } from '../view/style';

const words = {
  ok: ['passed', '✓ ok'],
  warning: ['paused', '! note'],
  error: ['failed', '✗ error'],
} as const;

export async function doctor(options: CommonOptions): Promise<number> {
  const output = new Output(options);
  const home = writHome();
  const machine = lookAtMachine(home);
  const canRead = !machine.some(({ check, level }) => check === 'folder' && level === 'error');
  const findings = [...machine, ...(canRead ? await lookAtStack(home) : [])];
  const isWell = findings.every(({ level }) => level !== 'error');
  if (output.json) output.value({ ok: isWell, checks: findings });
  else output.data(written(findings));
  return isWell ? EXIT.ok : EXIT.error;
}

function written(findings: readonly Finding[]): string {
  const style = styleFor(usesColour(process.stdout));
  const rows = findings.map(({ check, level, found, cure }) => {
    const [colour, word] = words[level];
    return [style.status(colour, word), check, cure === undefined ? found : `${found}; ${cure}`];
  });
  return table(rows).join('\n');
}
