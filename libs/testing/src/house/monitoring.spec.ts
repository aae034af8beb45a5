import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { root } from './tree';

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
}

const deploy = join(root, 'deploy');
const yaml = (path: string): unknown => parse(readFileSync(join(deploy, path), 'utf8'));
const dashboardText = readFileSync(join(deploy, 'grafana/dashboards/writ.json'), 'utf8');
const { panels, uid } = JSON.parse(dashboardText) as { panels: Panel[]; uid: string };
const expressions = panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
const rules = readdirSync(join(deploy, 'prometheus/rules')).flatMap((file) =>
  (yaml(`prometheus/rules/${file}`) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    (group) => group.rules,
  ),
);

describe('prometheus', () => {
  const { scrape_configs: jobs, rule_files: ruleFiles } = yaml('prometheus/prometheus.yml') as {
    scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
    rule_files: string[];
  };

  test('asks every service, under its own name', () => {
    const names = ['planner', 'executor', 'verifier', 'manifest', 'gateway'];
    expect(jobs.map((job) => job.job_name)).toEqual(names);
    expect(jobs.map((job) => job.dns_sd_configs[0]?.names)).toEqual(names.map((name) => [name]));
    expect(ruleFiles).toEqual(['rules/*.yml']);
  });

  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says how urgent it is, what is seen, and what to do',
    (_name, { labels, annotations }) => {
      expect(['page', 'ticket', 'notify']).toContain(labels.severity);
      expect(Object.keys(annotations).sort()).toEqual(['description', 'runbook', 'summary']);
      expect(annotations.runbook?.length).toBeGreaterThan(60);
    },
  );

  test('an alert has one name, and few there are', () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeLessThanOrEqual(12);
  });
});

describe('grafana', () => {
  test('the dashboard is what its writer writes', () => {
    const writer = join(deploy, 'grafana/write-dashboard.mjs');
    const written = execFileSync(process.execPath, [writer, '--stdout'], { encoding: 'utf8' });
    // Stale: node deploy/grafana/write-dashboard.mjs
    expect(dashboardText).toBe(written);
  });

  test('it is provisioned, with the data source that its panels name', () => {
    const { datasources } = yaml('grafana/provisioning/datasources/prometheus.yml') as {
      datasources: { uid: string; type: string }[];
    };
    const named = panels.flatMap(({ datasource, targets }) => [
      ...(datasource ? [datasource.uid] : []),
      ...(targets ?? []).map((target) => target.datasource.uid),
    ]);
    expect([...new Set(named)]).toEqual(datasources.map((source) => source.uid));
    const { providers } = yaml('grafana/provisioning/dashboards/writ.yml') as {
      providers: { options: { path: string } }[];
    };
    const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
    expect(compose).toContain(`./deploy/grafana/dashboards:${providers[0]?.options.path}:ro`);
    expect(uid).toBe('writ');
  });

  test('panels have a place of their own and say what they show', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of panels) {
      expect(title).not.toBe('');
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x},${y}`)).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

const promtoolIsHere = spawnSync('promtool', ['--version']).status === 0;
// Elsewhere the structure is checked above; promtool comes with Debian's package prometheus.
(promtoolIsHere ? describe : describe.skip)('promtool', () => {
  const promtool = (...argv: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', argv, {
      cwd: join(deploy, 'prometheus'),
      encoding: 'utf8',
      timeout: 20_000,
    });
    return status === 0 ? 'well' : `${stdout}${stderr}`;
  };

  test('finds configuration and rules well', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toBe('well');
  });

  test('sees every alert fire on its symptom, and none on a system that is well', () => {
    expect(promtool('test', 'rules', 'tests/writ.yml')).toBe('well');
    const tests = readFileSync(join(deploy, 'prometheus/tests/writ.yml'), 'utf8');
    expect(rules.map(({ alert }) => alert).filter((name) => !tests.includes(name))).toEqual([]);
  });

  test('can read every expression of the dashboard', () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-promql-'));
    try {
      const asRules = expressions.map((expr, index) => ({
        record: `panel:${index}`,
        expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*'),
      }));
      const file = join(folder, 'rules.yml');
      writeFileSync(file, stringify({ groups: [{ name: 'panels', rules: asRules }] }));
      expect(expressions.length).toBeGreaterThan(30);
      expect(promtool('check', 'rules', file)).toBe('well');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
