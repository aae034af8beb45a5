import { CliUnderTest, directive, ID } from '../cli-under-test';

const cli = CliUnderTest.forEach();

const amount = (costUsd: number) => ({ costUsd, tokens: 100 * costUsd });
const attempt = (step: string, at: number, spent: number | null) => ({
  ...{ step, attempt: at, runId: `${ID}-g1-${step}-a${at}`, reserved: amount(1) },
  spent: spent === null ? null : amount(spent),
});
const budget = {
  ...{ limitUsd: 5, spentUsd: 1.25, reservedUsd: 1 },
  ...{ limitTokens: null, spentTokens: 125, reservedTokens: 100 },
  attempts: [attempt('one', 1, 0.75), attempt('one', 2, 0.5), attempt('two', 1, null)],
};

describe('the budget of a directive', () => {
  test('is a ledger by step and attempt', async () => {
    cli.gateway.on(`GET /v1/directives/${ID}`, { ...directive, budget });
    expect(JSON.parse((await cli.writ('budget', ID, '--json')).stdout)).toEqual(budget);
    const lines = (await cli.writ('budget', ID)).stdout.split('\n').map((it) => it.trimEnd());
    const words = lines.map((line) => line.trim().split(/ {2,}/));
    expect(words).toContainEqual(['cost', '$1.25', '$1.00', '$5.00']);
    expect(words).toContainEqual(['tokens', '125', '100', 'no limit']);
    expect(words).toContainEqual(['one', '1', '$1.00', '100', '$0.75', '75']);
    expect(words).toContainEqual(['2', '$1.00', '100', '$0.50', '50']);
    expect(words).toContainEqual(['two', '1', '$1.00', '100', 'under way']);
  });

  test('says how to go on when it is short', async () => {
    const suspension = { kind: 'budget', reason: 'it has spent $6', wayOut: 'writ raise-limit' };
    cli.gateway.on(`GET /v1/directives/${ID}`, { ...directive, budget, suspension });
    const { stderr } = await cli.writ('budget', ID);
    expect(stderr).toContain('it has spent $6; to go on: writ raise-limit');
  });

  test('of one without a limit is empty', async () => {
    cli.gateway.on(`GET /v1/directives/${ID}`, directive);
    const { stdout } = await cli.writ('budget', ID);
    expect(stdout).toContain('no attempt has cost anything');
  });
});
