import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMemoryStore } from '@writ/content-store';
import {
  consumers,
  type Check,
  type EvaluateWork,
  type EvaluationCompleted,
  type RunEnded,
  streamOf,
  subjects,
} from '@writ/contracts';
import { MemoryLog, uuidV7 } from '@writ/event-log';
import { type Bus, connectHandlers, MemoryBus } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf, programMetrics } from '@writ/observability';
import { AllowList, Outbound } from '@writ/outbound-http';
import { openProgramHost, type ProgramHost } from '@writ/programs';
import { publishingLog } from '@writ/service-host';
import { eventually } from '@writ/testing';
import { programRunner, type RunProgram } from './checks/run-program';
import { CheckCutOff } from './checks/verdict';
import { composeVerifier } from './compose-verifier';
import { readConfig } from './config';
import { snapshotsIn } from './snapshots/open-snapshot';
import { ScratchFolders } from './snapshots/scratch-folders';
import { VerifierSubscriptions } from './subscriptions';
import type { Verifier } from './verifier';

const directiveId = 'abcdefgh12345678';
const runId = `${directiveId}-g1-build-a1`;
const logger = createLogger({ service: 'verifier', instance: 'test', level: 'silent' });

let dir: string;
let own: string;
let programs: ProgramHost;
let runProgram: RunProgram;
let log: MemoryLog;
let bus: Bus;
let heard: EvaluationCompleted[];
const content = openMemoryStore();

/** A verifier on memory; what it publishes is in `heard`. */
async function startVerifier(more: Partial<Verifier> = {}): Promise<Verifier> {
  const folders = new ScratchFolders(dir);
  const reporter = { published: () => undefined };
  const own = publishingLog(log, { bus, reporter, logger, source: '/writ/verifier' });
  const composed = composeVerifier({
    ...{ log: own, bus, content, folders, runProgram, logger },
    ask: (request) => new Outbound(new AllowList(['127.0.0.1'])).request(request),
    openSnapshot: snapshotsIn(folders, content),
    environment: { PATH: programs.path },
    metrics: metricsOf(createRegistry('verifier', 'test'), 'verifier'),
    rebuild: () => Promise.reject(new Error('not asked for here')),
  });
  const deps: Verifier = { ...composed, ...more };
  await connectHandlers(bus, new VerifierSubscriptions(deps));
  return deps;
}

beforeAll(async () => {
  own = realpathSync(mkdtempSync(join(tmpdir(), 'writ-verifier-own-')));
  const settings = readConfig({
    DATABASE_URL: 'postgres://writ_verifier:not-used-here@127.0.0.1/writ',
    NATS_URL: 'nats://127.0.0.1:4222',
    WRIT_CONTENT_DIR: join(own, 'content'),
    WRIT_DATA_DIR: join(own, 'data'),
  });
  const env = { PATH: process.env['PATH'] };
  const counters = programMetrics(createRegistry('verifier', 'test'));
  programs = await openProgramHost({ settings, env, wardenLimitMs: 60_000, counters, logger });
  runProgram = programRunner(programs);
});
afterAll(async () => {
  await programs.warden.close();
  rmSync(own, { recursive: true, force: true });
});
beforeEach(async () => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'writ-verifier-')));
  log = new MemoryLog();
  bus = new MemoryBus();
  heard = [];
  await bus.consume(
    consumers.plannerEvaluations,
    { parse: (data) => data as EvaluationCompleted, concurrency: 1 },
    (message) => Promise.resolve(void heard.push(message.data)),
  );
});
afterEach(async () => {
  await bus.drain(1_000);
  rmSync(dir, { recursive: true, force: true });
});

const append = (stream: string, type: string, data: unknown, expectedVersion = 0) =>
  log.append({
    stream,
    expectedVersion,
    events: [
      {
        ...{ id: uuidV7(), type, schemaVersion: 1, data },
        metadata: {
          commandId: 'c',
          correlationId: directiveId,
          actor: { kind: 'service', id: 't' },
        },
      },
    ],
  });
const runEnds = () => append(streamOf.run(runId), 'RunEnded', { runId } as RunEnded);

async function work(checks: Check[], more: Partial<EvaluateWork> = {}): Promise<EvaluateWork> {
  const text = await content.put(Buffer.from('{"n":1}'));
  return {
    ...{ runId, directiveId, step: 'build', checks, thresholds: { green: 0.85, yellow: 0.6 } },
    ...{ workspace: { kind: 'none' }, inputs: [], acceptanceCriteriaIds: ['AC1'] },
    artifacts: [{ path: 'out/a.json', ...text }],
    ...more,
  };
}

const ring = (data: EvaluateWork) => {
  const id = randomUUID();
  const attributes = { id, type: 'writ.evaluate', source: '/test' };
  return bus.send({
    subject: subjects.evaluate('run'),
    dataText: JSON.stringify(data),
    attributes,
  });
};
const evaluation = async () =>
  (await log.lastEvents([streamOf.evaluation(runId)]))[0]?.data as EvaluationCompleted | undefined;
const evaluated = async () => {
  await eventually(() => heard.length > 0, { what: 'the evaluation to be published' });
  return (await evaluation()) as EvaluationCompleted;
};

const files: Check = { kind: 'files', paths: ['out/*.json'] };
const schema: Check = { kind: 'json-schema', path: 'out/a.json', schema: { type: 'object' } };
const program = (script: string, more: object = {}): Check => ({
  ...{ kind: 'program', argv: ['sh', '-c', script] },
  ...more,
});

it('carries out all checks on what the run made and publishes the evaluation', async () => {
  await startVerifier();
  await runEnds();
  const script = 'cat out/a.json; echo; echo "$WRIT_DIRECTIVE $WRIT_STEP $WRIT_RUN"';
  await ring(await work([files, schema, program(script, { name: 'look' })]));
  const { checks, confidence, summary, step } = await evaluated();
  expect(heard[0]).toMatchObject({ runId, confidence: { level: 'green' } });
  expect({ confidence, summary, step }).toEqual({
    confidence: { score: 1, level: 'green' },
    summary: '3 of 3 checks passed',
    step: 'build',
  });
  expect(checks.map((it) => [it.name, it.outcome, it.required])).toEqual([
    ['files out/*.json', 'passed', true],
    ['json-schema out/a.json', 'passed', true],
    ['look', 'passed', true],
  ]);
  expect(checks[2]).toMatchObject({
    argv: ['sh', '-c', script],
    exitCode: 0,
    tail: `{"n":1}\n${directiveId} build ${runId}`,
    acceptanceCriteriaIds: ['AC1'],
  });
  const kept = await content.get(checks[2]?.logDigest ?? '');
  expect(Buffer.from(kept).toString()).toContain('{"n":1}');
  expect(readdirSync(dir)).toEqual([]);
});

it('is red when a required check fails, and keeps its output as evidence', async () => {
  await startVerifier();
  await runEnds();
  await ring(await work([files, program('echo "\u001b[31mbroken\u001b[0m"; exit 2')]));
  const { checks, confidence, summary } = await evaluated();
  expect(confidence).toEqual({ score: 0.5, level: 'red' });
  expect(summary).toMatch(/1 of 2 checks passed; sh -c .* failed: it ended with exit code 2/s);
  expect(checks[1]).toMatchObject({ exitCode: 2, tail: 'broken' });
});

it('weighs the checks that name a weight', async () => {
  await startVerifier();
  await runEnds();
  await ring(await work([{ ...files, weight: 3 }, program('exit 1', { weight: 1 })]));
  expect((await evaluated()).confidence).toEqual({ score: 0.75, level: 'yellow' });
});

it('is never green with a check that could not run, and unknown when none ran', async () => {
  await startVerifier();
  await runEnds();
  await ring(await work([files, { kind: 'program', argv: ['no-such-program'] }]));
  const { checks, confidence } = await evaluated();
  expect(confidence).toEqual({ score: 1, level: 'yellow' });
  expect(checks[1]).toMatchObject({
    outcome: 'error',
    message: 'there is no program "no-such-program" on PATH',
  });
});

it('takes a check that breaks for an error of the check', async () => {
  const broken: RunProgram = () => Promise.reject(new Error('no more file descriptors'));
  await startVerifier({ runProgram: broken });
  await runEnds();
  await ring(await work([program('true')]));
  const { checks, confidence } = await evaluated();
  expect(confidence).toEqual({ score: null, level: 'unknown' });
  expect(checks[0]).toMatchObject({
    outcome: 'error',
    message: expect.stringMatching(/no more file descriptors/) as unknown,
  });
});

it('has nothing to check when what the run made is lost: unknown, not red', async () => {
  await startVerifier();
  await runEnds();
  const lost = { path: 'a', digest: `sha256:${'0'.repeat(64)}`, bytes: 1 };
  await ring(await work([files, schema], { artifacts: [lost] }));
  const { checks, confidence } = await evaluated();
  expect(confidence.level).toBe('unknown');
  expect(checks.map((it) => it.outcome)).toEqual(['error', 'error']);
  expect(checks[0]?.message).toMatch(/^there is nothing to check: the file a: no content/);
});

it('gives a program the inputs of the step under ${inputs}', async () => {
  await startVerifier();
  await runEnds();
  const { digest } = await content.put(Buffer.from('expected'));
  const check: Check = { kind: 'program', argv: ['cat', '${inputs}/golden/x.txt'] };
  await ring(await work([check], { inputs: [{ name: 'golden/x.txt', digest }] }));
  const { checks } = await evaluated();
  expect(checks[0]).toMatchObject({ outcome: 'passed', tail: 'expected' });
  expect(checks[0]?.argv).toEqual(check.argv);
  expect(readdirSync(dir)).toEqual([]);
});

it('shows a check in a git workspace its commit and history, and nothing of the repository', async () => {
  await startVerifier();
  await runEnds();
  const repository = join(own, 'repository');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: repository,
      encoding: 'utf8',
    }).trim();
  mkdirSync(repository);
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  git('commit', '-q', '--allow-empty', '-m', 'second');
  git('remote', 'add', 'origin', 'https://user:password@example.com/x.git');
  const script = `git log --format=%s; git status --short; cat ${repository}/.git/config; true`;
  const workspace = { workspace: { kind: 'git', repository: '.' } as const };
  const commit = git('rev-parse', 'HEAD');
  await ring(await work([program(script)], { ...workspace, workspacePath: repository, commit }));
  const { checks } = await evaluated();
  expect(checks[0]).toMatchObject({
    outcome: 'passed',
    tail: expect.stringMatching(/^second\nfirst\n/) as unknown,
  });
  if (programs.sandbox.level === 'S2') expect(checks[0]?.tail).not.toContain('password');
});

/** A repository of a directive whose step has changed two files and removed one. */
function repositoryOfStep(): { repository: string; commit: string } {
  const repository = mkdtempSync(join(own, 'repository-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: repository,
      encoding: 'utf8',
    }).trim();
  git('init', '-q', '-b', 'main');
  for (const name of ['kept', 'changed', 'removed']) writeFileSync(join(repository, name), 'old\n');
  git('add', '.');
  git('commit', '-q', '-m', 'before the directive');
  writeFileSync(join(repository, 'of-another-step'), 'x\n');
  git('add', '.');
  git('commit', '-q', '-m', 'another step');
  git('branch', `writ/${directiveId}`);
  git('checkout', '-q', '--detach');
  writeFileSync(join(repository, 'changed'), 'new\nand more\n');
  writeFileSync(join(repository, 'added'), 'x\n');
  git('rm', '-q', 'removed');
  git('add', '.');
  git('commit', '-q', '-m', 'candidate');
  const commit = git('rev-parse', 'HEAD');
  git('checkout', '-q', 'main');
  writeFileSync(join(repository, 'changed'), 'what the user is just writing');
  return { repository, commit };
}
const inGit = ({ repository, commit }: { repository: string; commit: string }) => ({
  workspace: { kind: 'git', repository: '.' } as const,
  workspacePath: repository,
  ...{ commit, artifacts: [] },
});

it('seed defect 20: programs are told the criteria and the files that were changed', async () => {
  await startVerifier();
  await runEnds();
  const criteria = [{ id: 'AC1', criterion: 'it is faster' }];
  const script = 'cat "$WRIT_CHANGED_FILES" "$WRIT_CRITERIA"; echo x > "$WRIT_CRITERIA"; true';
  await ring(await work([program(script)], { criteria, ...inGit(repositoryOfStep()) }));
  const { checks } = await evaluated();
  const said = `added\nchanged\n${JSON.stringify(criteria, null, 2)}`;
  expect(checks[0]?.tail).toMatch(new RegExp(`^${said.replace(/[[{}\]"]/g, '\\$&')}`));
  expect(readdirSync(dir)).toEqual([]);
});

it('seed defect 20: without a repository what the run made are the files that it changed', async () => {
  await startVerifier();
  await runEnds();
  await ring(await work([program('cat "$WRIT_CHANGED_FILES" "$WRIT_CRITERIA"')]));
  const { checks } = await evaluated();
  expect(checks[0]?.tail).toMatch(/^out\/a\.json\n\[\n.*"id": "AC1"/s);
});

it('seed defect 21: a check works in a snapshot of what the step left, in a sandbox', async () => {
  await startVerifier();
  await runEnds();
  const from = repositoryOfStep();
  const script = `pwd; cat changed; echo spoiled > changed; touch ${from.repository}/x 2>&1; true`;
  await ring(await work([program(script)], inGit(from)));
  const { checks } = await evaluated();
  const [folder, ...lines] = checks[0]?.tail?.split('\n') ?? [];
  expect(folder).not.toBe(process.cwd());
  expect(folder?.startsWith(from.repository)).toBe(false);
  expect(lines.slice(0, 2)).toEqual(['new', 'and more']);
  expect(checks[0]?.sandbox).toBe(programs.sandbox.level);
  expect(readFileSync(join(from.repository, 'changed'), 'utf8')).toBe(
    'what the user is just writing',
  );
  if (programs.sandbox.level === 'S2') expect(readdirSync(from.repository)).not.toContain('x');
});

it('compares what a step changed with the commit that it began with', async () => {
  await startVerifier();
  await runEnds();
  const small: Check = { kind: 'diff', maxFiles: 3, maxLines: 5, forbiddenPaths: ['of-another-*'] };
  const forbidden: Check = { kind: 'diff', forbiddenPaths: ['removed'] };
  await ring(await work([small, forbidden], inGit(repositoryOfStep())));
  const { checks } = await evaluated();
  expect(checks.map(({ outcome, message }) => [outcome, message])).toEqual([
    ['passed', '3 files, 5 lines changed'],
    ['failed', 'changed, and must not be: removed'],
  ]);
  expect(checks[0]?.tail).toBe('+1 -0 added\n+2 -1 changed\n+0 -1 removed');
});

it('carries out what the files ask for, each with a result of its own, pinned in the record', async () => {
  await startVerifier();
  await runEnds();
  const makefile = await content.put(
    Buffer.from('build:\n\ttrue\nlint:\n\tfalse\ntest:\n\tcat x\n'),
  );
  const artifacts = [{ path: 'Makefile', ...makefile }];
  await ring(await work([{ kind: 'detected' }], { artifacts }));
  const { checks, confidence } = await evaluated();
  const seen = checks.map((it) => [
    it.name,
    it.kind,
    it.argv,
    it.outcome,
    it.required,
    it.detected,
  ]);
  const by = 'Makefile';
  expect(seen).toEqual([
    ['make build', 'program', ['make', 'build'], 'passed', true, { by, what: 'build' }],
    ['make lint', 'program', ['make', 'lint'], 'failed', false, { by, what: 'lint' }],
    ['make test', 'program', ['make', 'test'], 'failed', true, { by, what: 'test' }],
  ]);
  expect(confidence.level).toBe('red');
});

it('is yellow when of what the files ask for only the style is not right', async () => {
  await startVerifier();
  await runEnds();
  const makefile = await content.put(Buffer.from('lint:\n\tfalse\ntest:\n\ttrue\n'));
  const artifacts = [{ path: 'Makefile', ...makefile }];
  await ring(await work([{ kind: 'detected' }], { artifacts }));
  expect((await evaluated()).confidence.level).toBe('yellow');
});

it('is red for style that is required', async () => {
  await startVerifier();
  await runEnds();
  const makefile = await content.put(Buffer.from('lint:\n\tfalse\ntest:\n\ttrue\n'));
  const artifacts = [{ path: 'Makefile', ...makefile }];
  await ring(await work([{ kind: 'detected', required: true }], { artifacts }));
  expect((await evaluated()).confidence.level).toBe('red');
});

it('is unknown where nothing says how to check it', async () => {
  await startVerifier();
  await runEnds();
  await ring(await work([{ kind: 'detected' }]));
  const { checks, confidence } = await evaluated();
  expect(confidence).toEqual({ score: null, level: 'unknown' });
  expect(checks).toMatchObject([
    { outcome: 'error', message: expect.stringMatching(/^nothing at the top/) as unknown },
  ]);
});

it('keeps of every check how long it took, its evidence and its criteria', async () => {
  await startVerifier();
  await runEnds();
  const checks: Check[] = [
    files,
    schema,
    program('true'),
    { kind: 'program', argv: ['no-such-program'] },
    { kind: 'pattern', paths: ['out/*'], pattern: 'n' },
    { kind: 'http', url: 'http://127.0.0.1:1/' },
    { kind: 'diff', maxFiles: 1, acceptanceCriteriaIds: ['AC2'] },
    { kind: 'detected' },
  ];
  await ring(await work(checks));
  const { checks: found } = await evaluated();
  expect(found).toHaveLength(checks.length);
  for (const { kind, durationMs, logDigest, acceptanceCriteriaIds, argv, exitCode } of found) {
    expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(await content.get(logDigest ?? '')).toBeDefined();
    expect(acceptanceCriteriaIds).toEqual(kind === 'diff' ? ['AC2'] : ['AC1']);
    if (kind === 'program') expect([argv, exitCode]).not.toContain(undefined);
  }
  expect(found.map(({ outcome }) => outcome)).toEqual([
    ...['passed', 'passed', 'passed', 'error', 'passed', 'error', 'error', 'error'],
  ]);
});

it('takes known secrets out of what a check keeps', async () => {
  await startVerifier({ redact: (text) => text.replaceAll('canary', '[redacted]') });
  await runEnds();
  await ring(await work([program('echo canary')]));
  const { checks } = await evaluated();
  const kept = await content.get(checks[0]?.logDigest ?? '');
  expect([checks[0]?.tail, Buffer.from(kept).toString()]).toEqual(['[redacted]', '[redacted]\n']);
});

it('evaluates a run once: work that comes again publishes the first evaluation again', async () => {
  const calls: string[] = [];
  await startVerifier({
    runProgram: (spec) => {
      calls.push(spec.argv.join(' '));
      return runProgram(spec);
    },
  });
  await runEnds();
  await ring(await work([program('true')]));
  await evaluated();
  await ring(await work([program('false')]));
  await eventually(() => heard.length === 2, { what: 'the evaluation to be published again' });
  expect(heard[1]).toEqual(heard[0]);
  expect(calls).toHaveLength(1);
  expect(await log.readStream(streamOf.evaluation(runId))).toHaveLength(1);
});

it('does not evaluate a run twice at the same time, and is done with the repeat at once', async () => {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let calls = 0;
  const deps = await startVerifier({
    runProgram: async (spec) => {
      calls += 1;
      await gate;
      return runProgram(spec);
    },
  });
  await runEnds();
  await ring(await work([program('true')]));
  await eventually(() => calls === 1, { what: 'the check to begin' });
  // More repeats than places: were each to wait, the other run would never get its turn.
  for (let n = 0; n < 20; n += 1) await ring(await work([program('true')]));
  const other = `${directiveId}-g1-other-a1`;
  await append(streamOf.run(other), 'RunEnded', { runId: other });
  await ring(await work([files], { runId: other, step: 'other' }));
  await eventually(() => heard.some((it) => it.runId === other), { what: 'the other run' });
  release();
  await eventually(() => heard.some((it) => it.runId === runId), { what: 'the first run' });
  expect(calls).toBe(1);
  await eventually(() => deps.underWay.size === 0, { what: 'nothing to be under way' });
});

it('leaves the verdict of the faster one when two processes evaluate the same run', async () => {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let begun = false;
  await startVerifier({
    runProgram: async (spec) => {
      begun = true;
      await gate;
      return runProgram(spec);
    },
  });
  await runEnds();
  await ring(await work([program('true')]));
  await eventually(() => begun, { what: 'the check to begin' });
  const first = { runId, confidence: { score: 0, level: 'red' } };
  await append(streamOf.evaluation(runId), 'EvaluationCompleted', first);
  release();
  expect(await evaluated()).toEqual(first);
  expect(heard[0]).toEqual(first);
});

it('does nothing for a directive that has ended', async () => {
  const deps = await startVerifier();
  await runEnds();
  await append(streamOf.directive(directiveId), 'DirectiveStopped', {});
  await ring(await work([program('true')]));
  const other = `${directiveId.replace('a', 'z')}-g1-build-a1`;
  await append(streamOf.run(other), 'RunEnded', { runId: other });
  const elsewhere = { runId: other, directiveId: directiveId.replace('a', 'z') };
  await ring(await work([files], elsewhere));
  await eventually(() => heard.length === 1, { what: 'the evaluation that is wanted' });
  await eventually(() => deps.underWay.size === 0, { what: 'nothing to be under way' });
  expect(heard[0]?.runId).toBe(other);
  expect(await evaluation()).toBeUndefined();
});

it('does not run what a message asks for a run that the log does not know', async () => {
  let calls = 0;
  await startVerifier({
    runProgram: (spec) => {
      calls += 1;
      return runProgram(spec);
    },
  });
  await ring(await work([program('true')]));
  await eventually(async () => (await bus.deadLetters.list()).length === 1, {
    what: 'a dead letter',
  });
  expect(calls).toBe(0);
});

it('evaluates anew when a check was cut off by trouble of ours', async () => {
  let calls = 0;
  await startVerifier({
    runProgram: (spec) => {
      calls += 1;
      return calls === 1 ? Promise.reject(new CheckCutOff('stood still')) : runProgram(spec);
    },
  });
  await runEnds();
  await ring(await work([program('echo again')]));
  expect((await evaluated()).checks[0]).toMatchObject({ outcome: 'passed', tail: 'again' });
  expect(calls).toBe(2);
});

it('gives its work back when the process stops, and leaves nothing behind', async () => {
  let begun = false;
  await startVerifier({
    runProgram: (spec) => {
      begun = true;
      return runProgram(spec);
    },
  });
  await runEnds();
  await ring(await work([program('sleep 1000')]));
  await eventually(() => begun, { what: 'the check to begin' });
  await bus.drain(10_000);
  expect(await evaluation()).toBeUndefined();
  expect(readdirSync(dir)).toEqual([]);
});
