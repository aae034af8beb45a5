/**
 * Which metrics the dashboards and rules under deploy/ speak of, and which a process serves: so that a
 * test can say which names lead nowhere. Of dashboards and rules every word counts, descriptions and
 * runbooks too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const deploy = resolve(__dirname, '../../../deploy');

/** File below deploy/ -> its text. */
export function deployedTexts(): Map<string, string> {
  const folders = ['grafana/dashboards', 'prometheus/rules'];
  return new Map(
    folders.flatMap((folder) =>
      readdirSync(join(deploy, folder)).map((name) => {
        const file = `${folder}/${name}`;
        return [file, readFileSync(join(deploy, file), 'utf8')] as const;
      }),
    ),
  );
}

/** Names as written, `writ_step_run_seconds_bucket` too. */
export function metricsNamedIn(text: string): string[] {
  return [...new Set(text.match(/\bwrit_[a-z0-9_]+/g))].sort();
}

/** Names of the metrics in what `/metrics` answers; of a histogram the name without suffix. */
export function metricsServedIn(exposition: string): string[] {
  return [...exposition.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1] ?? '');
}

/** The names that stand for no served metric. */
export function namesWithoutMetric(named: readonly string[], served: readonly string[]): string[] {
  const known = new Set(served);
  return named.filter(
    (name) => !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, '')),
  );
}
