/** The command line as specs drive it: one call in this process, against a gateway that is played. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FakeGateway } from './fake-gateway';
import { run } from './program';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class CliUnderTest {
  gateway!: FakeGateway;
  folder!: string;
  private readonly environment = { ...process.env };

  /** Makes a new one before each test, and puts everything back after it. */
  static forEach(): CliUnderTest {
    const cli = new CliUnderTest();
    beforeEach(async () => {
      cli.gateway = await FakeGateway.start();
      cli.folder = mkdtempSync(join(tmpdir(), 'writ-cli-'));
      process.env['WRIT_URL'] = cli.gateway.url;
      process.env['NO_COLOR'] = '1';
    });
    afterEach(async () => {
      await cli.gateway.stop();
      rmSync(cli.folder, { recursive: true });
      process.env = { ...cli.environment };
    });
    return cli;
  }

  async writ(...argv: string[]): Promise<Said> {
    const said = { stdout: '', stderr: '' };
    const spies = (['stdout', 'stderr'] as const).map((name) =>
      jest.spyOn(process[name], 'write').mockImplementation((text) => {
        said[name] += String(text);
        return true;
      }),
    );
    try {
      return { code: await run(argv), ...said };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  }

  write(text: string, name = 'directive.yaml'): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** A sound directive file. */
  file(): string {
    const steps = 'chain:\n  steps:\n    - { name: one, adapter: { kind: echo } }\n';
    return this.write(`title: T\ngoal: G\n${steps}`);
  }
}

export const ID = 'aaaaaaaaaaaaaaaa';
export const step = {
  ...{ id: 's', name: 'one', type: 'implement', status: 'passed', dependsOn: [], attempt: 1 },
  ...{ runId: `${ID}-g1-one-a1`, runStatus: 'success', confidence: { score: 1, level: 'green' } },
  ...{ startedAt: '2026-01-01T00:00:00Z', completedAt: '2026-01-01T00:00:02.5Z', artifacts: [] },
};
export const directive = {
  ...{ id: ID, title: 'T', goal: 'G', status: 'completed', generation: 1, costUsd: 0 },
  ...{ createdAt: '2026-01-01T00:00:00Z', startedAt: '2026-01-01T00:00:00Z' },
  ...{ completedAt: '2026-01-01T00:00:03Z', version: 3, position: 7 },
  ...{ workspace: { branch: null, commit: null }, steps: [step], approvals: [], criteria: [] },
};
export const accepted = { directiveId: ID, commandId: 'c', position: 3, version: 2 };
