/** The code of each process is one file: what an image holds, with the page beside the gateway's. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceMain } from './service-process';
import { services } from './stack-home';

const LIMIT_MS = 30_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-bundle-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

it.each([...services, 'migrator'])(
  'the %s loads without anything of this tree, and says which variables it lacks',
  async (name) => {
    cpSync(serviceMain(name), join(folder, 'main.js'));
    const said = await new Promise<string>((resolve) => {
      const options = { cwd: folder, env: {}, timeout: LIMIT_MS };
      execFile(process.execPath, ['main.js'], options, (_, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
    expect(said).toMatch(/DATABASE_URL|NATS_URL/);
  },
  LIMIT_MS,
);
