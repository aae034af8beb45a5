/** Bundles as somebody gets them: made from a gateway that is played, then tampered with. */
import {
  canonicalJson,
  type BundleMetadata,
  DirectiveManifest,
  RunManifest,
} from '@writ/contracts';
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

import { nameIn } from '../bundle-file/gather-bundle';
import { CliUnderTest, directive, ID, step } from '../cli-under-test';

const cli = CliUnderTest.forEach();

const digestOf = (text: string | Buffer) =>
  `sha256:${createHash('sha256').update(text).digest('hex')}`;
const runId = `${ID}-g1-one-a1`;
const notes = 'Release notes\n';
const said = 'it said so\n';
const log = 'the check said so\n';
const artifacts = [
  { path: 'out/notes.md', digest: digestOf(notes), bytes: notes.length },
  { path: 'run.sh', digest: digestOf(said), bytes: said.length, executable: true },
];
const run = {
  ...{ runId, directiveId: ID, step: 'one', attempt: 1, status: 'complete', result: 'success' },
  ...{ artifacts, transcript: digestOf(said) },
};
const components = { command: digestOf('c') };
const check = { name: 'tests', kind: 'program', outcome: 'passed', required: true, weight: 1 };
const runManifest = canonicalJson(
  RunManifest.parse({
    ...{ kind: 'run', schemaVersion: 1, engineVersion: '1', runId, directiveId: ID, step: 'one' },
    ...{ attempt: 1, parentRunId: null, depth: 0, result: 'success', sourceRunId: null },
    ...{ template: null, resolvedInputs: [], compiledPromptDigest: null, model: null },
    inputBundle: { hash: digestOf(canonicalJson(components)), components, excluded: [] },
    adapter: { kind: 'echo', version: '1', sandbox: null },
    ...{ outputs: artifacts, deleted: [], impactDebt: [], stages: [] },
    dependencies: artifacts.map(({ digest }) => ({ kind: 'generates', id: digest })),
    validation: {
      confidence: { score: 1, level: 'green' },
      checks: [{ ...check, message: 'm', durationMs: 1, logDigest: digestOf(log) }],
    },
    ...{ attempts: [], usage: null, durationMs: 1, transcript: digestOf(said), commit: null },
    events: [{ position: 6, id: 'e', hash: 'f'.repeat(64) }],
  }),
);
const directiveManifest = canonicalJson(
  DirectiveManifest.parse({
    ...{ kind: 'directive', schemaVersion: 1, engineVersion: '1', directiveId: ID, title: 'T' },
    ...{ status: 'completed', contentDigest: digestOf('x'), generation: 1, criteria: [] },
    steps: [
      {
        ...{ step: 'one', status: 'passed', runId, manifestDigest: digestOf(runManifest) },
        ...{ confidence: null, outputs: artifacts },
      },
    ],
    ...{ branch: null, commit: null, costUsd: 0, createdAt: 'a', endedAt: 'b' },
    log: { position: 7, hash: 'f'.repeat(64) },
  }),
);
const event = { position: 7, recordedAt: '2026-01-01T00:00:03.000Z', hash: 'f'.repeat(64) };

/** A stack with one directive of one step. */
function play(contents: readonly string[] = [notes, said, log]): void {
  const { gateway } = cli;
  const text = (body: string) => (_: unknown, response: { end(body: string): void }) =>
    response.end(body);
  gateway.on(`GET /v1/directives/${ID}`, { ...directive, steps: [{ ...step, artifacts }] });
  gateway.on(`GET /v1/directives/${ID}/events`, { events: [event], headPosition: 9 });
  gateway.on(`GET /v1/directives/${ID}/manifest`, text(directiveManifest));
  gateway.on(`GET /v1/runs/${runId}`, run);
  gateway.on(`GET /v1/runs/${runId}/manifest`, text(runManifest));
  for (const content of contents) {
    const path = `/v1/artifacts/${digestOf(content)}`;
    gateway.on(`GET ${path}`, text(content));
    gateway.on(`HEAD ${path}`, (__, response) => {
      response.writeHead(200, { 'content-length': content.length }).end();
    });
  }
}

const pathOf = (name: string) => join(cli.folder, name);

async function exported(...more: string[]): Promise<string> {
  const file = pathOf(`bundle-${readdirSync(cli.folder).length}.zip`);
  const { code, stderr } = await cli.writ('bundle', 'export', ID, '--out', file, ...more);
  expect([code, stderr]).toEqual([0, '']);
  return file;
}

interface Verified {
  ok: boolean;
  digest: string | null;
  files?: number;
  problems: { path: string; message: string }[];
}

async function verified(file: string): Promise<Verified> {
  const { code, stdout } = await cli.writ('bundle', 'verify', file, '--json');
  const found = JSON.parse(stdout) as Verified;
  expect(code).toBe(found.ok ? 0 : 11);
  return found;
}

const problemsOf = async (file: string) =>
  (await verified(file)).problems.map(({ path, message }) => `${path} ${message}`.trim());

interface Member {
  name: string;
  bytes: Buffer;
  compress?: boolean;
  mode?: number;
}

/** What is in a bundle, by somebody else's reading: every member is stored as it is. */
function membersOf(file: string): Member[] {
  const zip = readFileSync(file);
  const found: Member[] = [];
  for (let at = 0; zip.readUInt32LE(at) === 0x04034b50;) {
    const [size, name, extra] = [18, 26, 28].map((from) =>
      from === 18 ? zip.readUInt32LE(at + from) : zip.readUInt16LE(at + from),
    ) as [number, number, number];
    const start = at + 30 + name + extra;
    // Sizes of what was streamed stand behind it; the directory has them.
    const path = zip.toString('utf8', at + 30, at + 30 + name);
    const length = size > 0 ? size : sizeInDirectory(zip, path);
    found.push({ name: path, bytes: zip.subarray(start, start + length) });
    at = start + length;
    if (zip.readUInt32LE(at) === 0x08074b50) at += 16;
  }
  return found;
}

function sizeInDirectory(zip: Buffer, name: string): number {
  for (let at = zip.indexOf('PK\x01\x02'); at >= 0; at = zip.indexOf('PK\x01\x02', at + 4)) {
    const length = zip.readUInt16LE(at + 28);
    if (zip.toString('utf8', at + 46, at + 46 + length) === name) return zip.readUInt32LE(at + 24);
  }
  throw new Error(`${name} is not in the directory`);
}

async function zipOf(members: readonly Member[], name = 'made.zip'): Promise<string> {
  const zip = new ZipFile();
  for (const { name: path, bytes, compress = false, mode = 0o100644 } of members) {
    zip.addBuffer(bytes, path, { compress, mode });
  }
  zip.end();
  await pipeline(zip.outputStream as PassThrough, createWriteStream(pathOf(name)));
  return pathOf(name);
}

function metadataOf(members: readonly Member[]): BundleMetadata {
  const found = members.find((it) => it.name === 'metadata.json');
  return JSON.parse(String(found?.bytes)) as BundleMetadata;
}

/** The bundle with another account of itself. */
function retold(members: readonly Member[], change: (it: BundleMetadata) => unknown): Member[] {
  const told = change(structuredClone(metadataOf(members)));
  return members.map((it) =>
    it.name === 'metadata.json' ? { ...it, bytes: Buffer.from(JSON.stringify(told)) } : it,
  );
}

describe('a bundle', () => {
  test('holds what the directive made, with an account of it', async () => {
    play();
    const members = membersOf(await exported());
    expect(members.map((it) => it.name)).toEqual([
      'metadata.json',
      'artifacts/one/out/notes.md',
      'artifacts/one/run.sh',
      `checks/${runId}/1.txt`,
      `manifests/${runId}.json`,
      'manifests/directive.json',
      `transcripts/${runId}.txt`,
    ]);
    const { log: place, createdAt, runs, files, steps } = metadataOf(members);
    expect({ place, createdAt }).toEqual({
      place: { position: 7, hash: event.hash },
      createdAt: event.recordedAt,
    });
    expect(runs).toEqual([run]);
    expect(steps).toEqual([{ name: 'one', status: 'passed', runId }]);
    expect(files[0]).toEqual({
      ...{ path: 'artifacts/one/out/notes.md', kind: 'artifact', name: 'out/notes.md' },
      ...{ digest: digestOf(notes), bytes: notes.length, runId, step: 'one', executable: false },
    });
    expect(String(members[1]?.bytes)).toBe(notes);
  });

  test('of one step has that step only', async () => {
    play();
    const members = membersOf(await exported('--step', 'one'));
    expect(members.map((it) => it.name)).not.toContain('manifests/directive.json');
    expect(metadataOf(members).step).toBe('one');
    const wrong = await cli.writ('bundle', 'export', ID, '--out', pathOf('x'), '--step', 'two');
    expect([wrong.code, existsSync(pathOf('x'))]).toEqual([3, false]);
  });

  test('of the same record is the same, byte for byte, and says no time of its making', async () => {
    play();
    const first = readFileSync(await exported());
    expect(readFileSync(await exported()).equals(first)).toBe(true);
    let at = first.indexOf('PK\x01\x02');
    for (; at >= 0; at = first.indexOf('PK\x01\x02', at + 4)) {
      const [time, date] = [first.readUInt16LE(at + 12), first.readUInt16LE(at + 14)];
      const extra = first.readUInt16LE(at + 30);
      // 1980-01-01 00:00, and no field with the same in universal time.
      expect({ time, date, extra }).toEqual({ time: 0, date: 0x21, extra: 0 });
    }
  });

  test('tells its digest and holds, with nothing running', async () => {
    play();
    const file = await exported();
    process.env['WRIT_URL'] = 'http://127.0.0.1:1';
    const found = await verified(file);
    expect(found).toMatchObject({ ok: true, files: 6, problems: [] });
    expect(found.digest).toBe(digestOf(membersOf(file)[0]!.bytes));
    expect((await cli.writ('bundle', 'verify', file)).stdout).toContain('artifacts    2');
  });

  test('takes the run that passed when the step runs again', async () => {
    play();
    const again = { ...step, status: 'running', attempt: 2, runId: `${ID}-g1-one-a2` };
    cli.gateway.on(`GET /v1/directives/${ID}`, { ...directive, status: 'active', steps: [again] });
    cli.gateway.on(`GET /v1/directives/${ID}/events`, ({ path }, response) => {
      const passed = { position: 5, type: 'StepPassed', data: { step: 'one', run: { runId } } };
      const last = path.includes('after=6&');
      response.end(JSON.stringify({ events: last ? [event] : [passed, { ...event, data: {} }] }));
    });
    const members = membersOf(await exported());
    expect(metadataOf(members).steps[0]).toMatchObject({ runId, status: 'running' });
  });

  test('is not written over what is there, and no half of one is left', async () => {
    play();
    const file = cli.write('mine', 'mine.zip');
    expect((await cli.writ('bundle', 'export', ID, '--out', file)).code).toBe(5);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await cli.writ('bundle', 'export', ID, '--out', file, '--force')).code).toBe(0);
    cli.gateway.on(`GET /v1/artifacts/${digestOf(notes)}`, (_, response) => {
      response.end('something else');
    });
    const before = readdirSync(cli.folder);
    const failed = await cli.writ('bundle', 'export', ID, '--out', pathOf('new.zip'));
    expect([failed.code, readdirSync(cli.folder)]).toEqual([11, before]);
    expect(failed.stderr).toContain(digestOf(notes));
  });

  test.each([
    ['out/notes.md', 'artifacts/s/out/notes.md'],
    ['a b/ü.txt', 'artifacts/s/a b/ü.txt'],
    ['a\\b', 'contents/s/00'],
    ['a\nb', 'contents/s/00'],
    ['a/../b', 'contents/s/00'],
    ['a//b', 'contents/s/00'],
    ['CON:', 'contents/s/00'],
    ['x'.repeat(901), 'contents/s/00'],
  ])('has a file for %j', (path, expected) => {
    expect(nameIn('artifacts/s', path, 'sha256:00')).toBe(expected);
  });
});

describe('a bundle that somebody has changed', () => {
  let members: Member[];
  beforeEach(async () => {
    play();
    members = membersOf(await exported());
  });

  const made = (more: readonly Member[]) => zipOf(more);
  const changed = (name: string, bytes: Buffer) =>
    members.map((it) => (it.name === name ? { ...it, bytes } : it));

  test('and only packed again still holds', async () => {
    const packed = members.map((it) => ({ ...it, compress: true })).reverse();
    expect(await verified(await made(packed))).toMatchObject({ ok: true });
  });

  test('in one byte of one member', async () => {
    const bytes = Buffer.from(notes.toUpperCase());
    const [problem, ...more] = await problemsOf(
      await made(changed('artifacts/one/out/notes.md', bytes)),
    );
    expect(problem).toBe(
      `artifacts/one/out/notes.md is ${digestOf(bytes)}, not ${digestOf(notes)}`,
    );
    expect(more).toEqual([]);
  });

  test('in a byte of the file, anywhere in a member', async () => {
    const zip = readFileSync(await made(members));
    for (const { name, bytes } of members) {
      const at = zip.indexOf(bytes) + Math.floor(bytes.length / 2);
      const copy = Buffer.from(zip);
      copy[at] = copy[at]! ^ 1;
      writeFileSync(pathOf('flipped.zip'), copy);
      expect([name, (await verified(pathOf('flipped.zip'))).ok]).toEqual([name, false]);
    }
  }, 30_000);

  test('and was told anew, so that the account fits: the manifest of the run says no', async () => {
    const other = 'Other notes!!\n';
    const told = retold(changed('artifacts/one/out/notes.md', Buffer.from(other)), (it) => {
      const files = it.files.map((file) =>
        file.name === 'out/notes.md' ? { ...file, digest: digestOf(other) } : file,
      );
      return { ...it, files };
    });
    expect(await problemsOf(await made(told))).toEqual([
      expect.stringContaining('is not what manifests/'),
    ]);
  });

  test('manifest of the run and all: the manifest of the directive says no', async () => {
    const text = runManifest.replace('"durationMs":1,"engine', '"durationMs":2,"engine');
    expect(text).not.toBe(runManifest);
    const name = `manifests/${runId}.json`;
    const told = retold(changed(name, Buffer.from(text)), (it) => {
      const files = it.files.map((file) =>
        file.path === name ? { ...file, digest: digestOf(text) } : file,
      );
      return { ...it, files };
    });
    const [problem] = await problemsOf(await made(told));
    expect(problem).toContain('manifests/directive.json names');
  });

  test('by a member that nobody lists, or one that is gone', async () => {
    const more = { name: 'artifacts/one/more', bytes: Buffer.from('x') };
    expect(await problemsOf(await made([...members, more]))).toEqual([
      'artifacts/one/more is not listed in metadata.json',
    ]);
    const less = members.filter((it) => it.name !== 'artifacts/one/run.sh');
    expect(await problemsOf(await made(less))).toEqual(['artifacts/one/run.sh is missing']);
    const none = members.filter((it) => it.name !== 'metadata.json');
    expect((await problemsOf(await made(none)))[0]).toContain('no bundle of Writ');
  });

  test('by an artifact that is taken out of list and file: its manifest names it', async () => {
    const less = members.filter((it) => it.name !== 'artifacts/one/run.sh');
    const told = retold(less, (it) => ({
      ...it,
      files: it.files.filter(({ name }) => name !== 'run.sh'),
    }));
    expect(await problemsOf(await made(told))).toEqual([
      `manifests/${runId}.json names "run.sh", which is not here`,
    ]);
  });

  test('by two members of one name', async () => {
    const twice = [...members, { name: 'artifacts/one/run.sh', bytes: Buffer.from('other') }];
    expect(await problemsOf(await made(twice))).toEqual(['artifacts/one/run.sh is there twice']);
  });

  test.each([
    ['/etc/passwd', /absolute/],
    ['../../passwd', /relative|elsewhere/],
    ['a/../../pass', /relative|elsewhere/],
    ['C:/passwd.txt', /absolute/],
    ['a\\..\\passwd', /invalid characters/],
    ['a/b\0c/passwd', /control character/],
    ['a/./b//passwd', /elsewhere/],
    ['a/b/passwd12/', /is a folder/],
  ])('by a member named %j', async (name, expected) => {
    const plain = 'x'.repeat(Buffer.byteLength(name));
    const zip = readFileSync(await made([...members, { name: plain, bytes: Buffer.from('y') }]));
    for (let at = zip.indexOf(plain); at >= 0; at = zip.indexOf(plain, at + 1)) {
      zip.write(name, at);
    }
    writeFileSync(pathOf('named.zip'), zip);
    const problems = await problemsOf(pathOf('named.zip'));
    expect(problems.join('\n')).toMatch(expected);
  });

  test('by a link', async () => {
    const link = { name: 'link', bytes: Buffer.from('/etc/passwd'), mode: 0o120777 };
    expect(await problemsOf(await made([...members, link]))).toEqual([
      'link is a link or a device, no plain file',
    ]);
  });

  test('by a name in its own header that is not that of the directory', async () => {
    const zip = readFileSync(await made(members));
    // The last of that name is in the directory.
    zip.write('artifacts/one/RUN.sh', zip.lastIndexOf('artifacts/one/run.sh'));
    writeFileSync(pathOf('two-names.zip'), zip);
    expect((await problemsOf(pathOf('two-names.zip'))).join()).toMatch(
      /run.sh has another name in its own header/i,
    );
  });

  test('by a bomb: more than fits into its bytes, or than it says', async () => {
    const bomb = { name: 'bomb', bytes: Buffer.alloc(4_000_000), compress: true };
    const file = await made([...members, bomb]);
    const zip = readFileSync(file);
    const entry = zip.lastIndexOf('PK\x01\x02');
    zip.writeUInt32LE(3_900_000_000, entry + 24);
    writeFileSync(pathOf('bomb.zip'), zip);
    expect((await problemsOf(pathOf('bomb.zip'))).join()).toMatch(
      /bomb says that \d+ bytes become/,
    );
    zip.writeUInt32LE(1_000, entry + 24);
    writeFileSync(pathOf('bomb.zip'), zip);
    const told = retold(members, (it) => {
      const about = { ...it.files[0]!, path: 'bomb', name: 'b', bytes: 1_000, kind: 'check_log' };
      return { ...it, files: [...it.files, about] };
    });
    const again = readFileSync(await made([...told, bomb]));
    again.writeUInt32LE(1_000, again.lastIndexOf('PK\x01\x02') + 24);
    writeFileSync(pathOf('bomb.zip'), again);
    expect((await problemsOf(pathOf('bomb.zip'))).join()).toMatch(/bomb cannot be read: too many/);
  });

  test('by members that share their bytes', async () => {
    const big = { name: 'big', bytes: Buffer.alloc(100_000, 'x') };
    const same = { name: 'oth', bytes: Buffer.alloc(100_000, 'x') };
    const zip = readFileSync(await made([big, same]));
    const second = zip.lastIndexOf('PK\x01\x02');
    const first = zip.indexOf('PK\x01\x02');
    zip.writeUInt32LE(zip.readUInt32LE(first + 42), second + 42);
    zip.write('big', second + 46);
    // What is left is one local member, the directory and its end.
    const cut = zip.indexOf('PK\x03\x04', 4);
    const lean = Buffer.concat([zip.subarray(0, cut), zip.subarray(first)]);
    const end = lean.lastIndexOf('PK\x05\x06');
    lean.writeUInt32LE(cut, end + 16);
    writeFileSync(pathOf('shared.zip'), lean);
    expect((await problemsOf(pathOf('shared.zip'))).join()).toMatch(/share their bytes/);
  });

  test('into something that cannot be read at all', async () => {
    const whole = readFileSync(await made(members));
    for (const bytes of [Buffer.alloc(0), Buffer.from('no zip'), whole.subarray(0, 300)]) {
      writeFileSync(pathOf('broken.zip'), bytes);
      expect((await problemsOf(pathOf('broken.zip')))[0]).toContain('is no zip file');
    }
    expect((await cli.writ('bundle', 'verify', pathOf('nowhere.zip'))).code).toBe(3);
  });

  test.each([
    ['another format', { formatVersion: 2 }, 'has format 2'],
    ['a key that is unknown', { extra: 1 }, 'extra'],
    ['a digest that is none', { files: [{ path: 'x', digest: 'sha1:00' }] }, 'digest'],
  ])('into an account with %s', async (_, more, expected) => {
    const told = retold(members, (it) => ({ ...it, ...more }));
    expect((await problemsOf(await made(told))).join()).toContain(expected);
  });
});

describe('the import of a bundle', () => {
  test('keeps what is not there yet, and says what was', async () => {
    play();
    const file = await exported();
    for (const { path } of cli.gateway.asked) expect(path).not.toContain('PUT');
    const put: string[] = [];
    for (const content of [notes, runManifest, directiveManifest]) {
      const path = `/v1/artifacts/${digestOf(content)}`;
      cli.gateway.refuse(`HEAD ${path}`, 404, 'not_found');
      cli.gateway.on(`PUT ${path}`, ({ body }, response) => {
        put.push(body);
        response.end('{}');
      });
    }
    const { code, stdout } = await cli.writ('bundle', 'import', file, '--json');
    const told = JSON.parse(stdout) as Record<
      'new' | 'present',
      { digest: string; paths: string[] }[]
    >;
    expect(code).toBe(0);
    expect(put.sort()).toEqual([notes, runManifest, directiveManifest].sort());
    expect(told.new.map((it) => it.digest).sort()).toEqual(put.map(digestOf).sort());
    expect(told.present.find((it) => it.digest === digestOf(said))?.paths).toEqual([
      'artifacts/one/run.sh',
      `transcripts/${runId}.txt`,
    ]);
  });

  test('sends nothing of one that does not hold', async () => {
    play();
    const members = membersOf(await exported());
    const bad = members.map((it) =>
      it.name.endsWith('run.sh') ? { ...it, bytes: Buffer.from('it said no\n') } : it,
    );
    const before = cli.gateway.asked.length;
    const { code, stderr } = await cli.writ('bundle', 'import', await zipOf(bad), '--json');
    expect(code).toBe(11);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'verification_failed' } });
    expect(cli.gateway.asked.slice(before)).toEqual([]);
  });

  test('sends a content again, from its beginning, when the gateway was away', async () => {
    play();
    const file = await exported();
    const path = `/v1/artifacts/${digestOf(notes)}`;
    const bodies: string[] = [];
    cli.gateway.refuse(`HEAD ${path}`, 404, 'not_found');
    cli.gateway.on(`PUT ${path}`, ({ body }, response) => {
      bodies.push(body);
      if (bodies.length === 1) response.writeHead(503).end('{"code":"unavailable","detail":"x"}');
      else response.end('{}');
    });
    for (const content of [runManifest, directiveManifest]) {
      cli.gateway.on(`HEAD /v1/artifacts/${digestOf(content)}`, {});
    }
    expect((await cli.writ('bundle', 'import', file)).code).toBe(0);
    expect(bodies).toEqual([notes, notes]);
  });
});
