/** `writ --help` answers at once: it reads none of what the commands need. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const bin = resolve(__dirname, '../../bin/writ.js');

/** What `--help` says, and at its end what `atExit` gives. */
function help<T>(atExit: string): { said: string; found: T } {
  const script = `
    process.on('exit', () => console.error(JSON.stringify(${atExit})));
    process.argv.splice(1, 0, ${JSON.stringify(bin)});
    require(${JSON.stringify(bin)});`;
  const argv = ['-e', script, '--', '--help'];
  const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  return { said: stdout, found: JSON.parse(stderr) as T };
}

it('loads no schemas, no database client and no parser', () => {
  const { said, found } = help<string[]>('Object.keys(require.cache)');
  expect(said).toContain('Usage: writ');
  expect(found.filter((path) => !/[/\\](cli|commander)[/\\]/.test(path))).toEqual([]);
});

it('takes less than 200 ms: of the processor, since others may be at work here too', () => {
  const times = Array.from({ length: 5 }, () => {
    const { user, system } = help<NodeJS.CpuUsage>('process.cpuUsage()').found;
    return (user + system) / 1000;
  });
  expect(Math.min(...times)).toBeLessThan(200);
});
