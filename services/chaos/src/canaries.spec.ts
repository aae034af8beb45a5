import { spawnSync } from 'node:child_process';
import { formsOf, makeCanaries, secretsIn, tellingScript } from './canaries';

const [canary] = makeCanaries(1);

it('says a secret in every form that is looked for', () => {
  const env = { PATH: process.env['PATH'], [canary!.name]: canary!.value };
  const { stdout, stderr, status } = spawnSync('sh', ['-c', tellingScript(canary!)], { env });
  expect(status).toBe(0);
  for (const said of [stdout, stderr]) {
    expect(formsOf(canary!.value).filter((form) => !said.includes(form))).toEqual([]);
  }
});

it('finds a secret in any of its forms, and nothing else', () => {
  for (const form of formsOf(canary!.value)) {
    const found = secretsIn(Buffer.from(`before ${form} after`), [canary!], 'here');
    expect(found).toEqual([expect.stringContaining('here holds CHAOS_CANARY_1')]);
  }
  expect(secretsIn(Buffer.from('cnry/ and [redacted:CHAOS_CANARY_1]'), [canary!], 'here')).toEqual(
    [],
  );
});
