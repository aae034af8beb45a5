import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { streams } from '@writ/contracts';
import { parse } from 'yaml';
import { root } from './tree';

interface ComposeService {
  image?: string;
  build?: { context: string; dockerfile: string; args: { SERVICE: string } };
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
  cap_drop?: string[];
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, ComposeService>;
  volumes: Record<string, object>;
};
const all = Object.entries(compose.services);
const ours = all.filter(([, { build }]) => build !== undefined);
const dockerfile = read('deploy/docker/Dockerfile');
const lines = dockerfile.replace(/\\\n\s*/g, ' ').split('\n');

test('the whole of Writ is there, and what it needs', () => {
  expect(ours.map(([name]) => name).sort()).toEqual(
    ['executor', 'gateway', 'manifest', 'migrator', 'planner', 'verifier'].sort(),
  );
  expect(all.map(([name]) => name)).toEqual(
    expect.arrayContaining(['postgres', 'nats', 'prometheus', 'grafana']),
  );
});

test.each(ours)('%s is built from its own folder by the one Dockerfile', (name, { build }) => {
  expect(build?.args.SERVICE).toBe(name);
  expect(existsSync(join(root, build?.context ?? '', build?.dockerfile ?? ''))).toBe(true);
  expect(existsSync(join(root, 'services', name, 'src/main.ts'))).toBe(true);
});

test.each(all)('%s: pinned, reachable on loopback only, and in order', (_name, service) => {
  if (service.image) expect(service.image).toMatch(/:v?\d+(\.\d+)+(-[a-z]+)?$/);
  for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  expect(service.healthcheck?.test ?? service.build).toBeDefined();
  for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
    const check = compose.services[needed]?.healthcheck;
    const runsToItsEnd = check?.disable === true;
    expect(condition).toBe(runsToItsEnd ? 'service_completed_successfully' : 'service_healthy');
    expect(compose.services[needed]).toBeDefined();
  }
  for (const volume of service.volumes ?? []) {
    const [source = ''] = volume.replace(/\$\{\w+:-([^}]*)\}/, '$1').split(':');
    if (source.startsWith('.')) expect(existsSync(join(root, source))).toBe(true);
    else expect(Object.keys(compose.volumes)).toContain(source);
  }
});

/** By name, by a template such as `A_${name}_B`, or as one of those that every service reads. */
function reads(config: string, variable: string): boolean {
  const names = [...config.matchAll(/['`]?([A-Z][A-Z_]*(?:\$\{[^}]*\}[A-Z_]*)*)/g)].map(
    (match) => new RegExp(`^${match[1]?.replace(/\$\{[^}]*\}/g, '[A-Z]+')}$`),
  );
  if (config.includes('processVariables') && variable === 'LOG_LEVEL') return true;
  return names.some((name) => name.test(variable));
}

test.each(ours)('%s is given variables that it reads, and its own role', (name, service) => {
  const config = read(`services/${name}/src/config.ts`);
  const environment = service.environment ?? {};
  const unread = Object.keys(environment).filter((variable) => !reads(config, variable));
  expect(unread).toEqual([]);
  const role = name === 'migrator' ? 'writ' : `writ_${name}`;
  if (environment.DATABASE_URL) expect(environment.DATABASE_URL).toContain(`://${role}:`);
  expect(service.cap_drop).toEqual(['ALL']);
});

test('one password is one default wherever it stands', () => {
  const defaults = [...read('docker-compose.yml').matchAll(/\$\{(\w+):-([^}]*)\}/g)];
  const byName = new Map<string, Set<string>>();
  for (const [, name = '', value = ''] of defaults) {
    byName.set(name, (byName.get(name) ?? new Set()).add(value));
  }
  expect([...byName].filter(([, values]) => values.size > 1)).toEqual([]);
  expect(byName.size).toBeGreaterThan(5);
});

test('the image has what the lines copy, one service, no root, and says when it is ready', () => {
  const copied = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1));
  expect(copied).toEqual(expect.arrayContaining(['package-lock.json', 'libs', 'services']));
  const ignore = read('deploy/docker/Dockerfile.dockerignore').split('\n');
  for (const path of copied) {
    expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    expect(ignore).toContain(`!${path}`);
  }
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  expect(lines.filter((line) => line === 'ARG SERVICE')).toHaveLength(1);
  expect(last.find((line) => line.startsWith('USER '))).toBe('USER node');
  expect(last.find((line) => line.startsWith('ENTRYPOINT '))).toContain('tini');
  expect(last.join('\n')).toMatch(/HEALTHCHECK .*\/readyz/);
});

test('NATS has room for the streams, syncs what it acknowledges and asks for the token', () => {
  const config = read('deploy/nats/nats.conf');
  const room = (which: string) =>
    Number(new RegExp(`max_${which}_store: (\\d+)GB`).exec(config)?.[1]) * 1024 ** 3;
  const needed = (storage: string) =>
    Object.values(streams)
      .filter((stream) => stream.storage === storage)
      .reduce((sum, { maxBytes }) => sum + maxBytes, 0);
  expect(room('memory')).toBeGreaterThanOrEqual(needed('memory'));
  expect(room('file')).toBeGreaterThanOrEqual(needed('file'));
  expect(config).toContain('sync_interval: always');
  expect(config).toContain('token: $NATS_TOKEN');
});
