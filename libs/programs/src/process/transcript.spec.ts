import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogPiece } from '@writ/contracts';
import { needlesOf } from '../redaction/secrets';
import { LiveLog } from './live-log';
import { Transcript, type TranscriptOptions } from './transcript';

const runId = 'abcdefgh12345678-g1-collect-a1';
const folder = mkdtempSync(join(tmpdir(), 'writ-transcript-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const secret = 'very-secret-value-42';
const redaction = { needles: needlesOf([{ name: 'KEY', value: secret }]), patterns: true };
let files = 0;

function open(more: Partial<TranscriptOptions> = {}) {
  const file = join(folder, String((files += 1)));
  const transcript = new Transcript({ to: createWriteStream(file), redaction, ...more });
  transcript.begin('try 1');
  return {
    transcript,
    async text(): Promise<string> {
      await transcript.close();
      return readFileSync(file, 'utf8');
    },
  };
}

test('it keeps what was run, what it said in order, and how it ended', async () => {
  const { transcript, text } = open();
  transcript.take('stdout', Buffer.from('one\n'));
  transcript.take('stderr', Buffer.from('two\n'));
  transcript.take('stdout', Buffer.from('three'));
  expect(transcript.end()).toEqual({
    bytes: { stdout: 9, stderr: 4 },
    last: { stdout: 'one\nthree', stderr: 'two\n' },
  });
  transcript.note('exit code\n3');
  expect(await text()).toBe('[writ] try 1\none\ntwo\nthree\n[writ] exit code 3\n');
});

test('of a flood it keeps the beginning and the end, and counts every byte', async () => {
  const { transcript, text } = open({ headBytes: 1000, tailBytes: 1000 });
  const line = (at: number) => `line ${String(at).padStart(8, '0')}\n`;
  let bytes = 0;
  for (let at = 0; at < 20_000; at += 10) {
    const piece = Buffer.from(Array.from({ length: 10 }, (_, i) => line(at + i)).join(''));
    transcript.take('stdout', piece);
    bytes += piece.length;
  }
  const said = transcript.end();
  expect(said.bytes.stdout).toBe(bytes);
  expect(said.last.stdout.endsWith(line(19_999))).toBe(true);
  const kept = await text();
  expect(kept.startsWith(`[writ] try 1\n${line(0)}`)).toBe(true);
  expect(kept.endsWith(line(19_999))).toBe(true);
  const omitted = Number(/\[writ\] (\d+) bytes of stdout and 0 of stderr/.exec(kept)?.[1]);
  expect(omitted).toBeGreaterThan(250_000);
  expect(kept.length).toBeLessThan(3000);
  // Nothing of the cut first line of the end shows as if it were whole.
  const lines = kept.split('\n').filter((it) => it !== '' && !it.startsWith('[writ]'));
  expect(lines.every((it) => /^( ?\d+|line \d{8})$/.test(it))).toBe(true);
});

test('of the end it keeps as much as it may, however large the pieces are', async () => {
  const { transcript, text } = open({ headBytes: 10, tailBytes: 100 });
  transcript.take('stdout', Buffer.from('beginning\n'));
  transcript.take('stdout', Buffer.from(`${'-'.repeat(99)}\n${'one two '.repeat(12)}\n`));
  transcript.take('stderr', Buffer.from('end\n'));
  transcript.end();
  const [, tail = ''] = (await text()).split('are left out here\n');
  expect(tail).toBe(`\n${'one two '.repeat(12)}\nend\n`.slice(-100).replace(/^[\w-]+/, ''));
});

test('secrets are gone from it, over the borders of pieces and of what is left out', async () => {
  const { transcript, text } = open({ headBytes: 100, tailBytes: 64 });
  transcript.take('stdout', Buffer.from(`key ${secret.slice(0, 9)}`));
  transcript.take('stdout', Buffer.from(`${secret.slice(9)} end\n`));
  transcript.take('stderr', Buffer.from(`${'x'.repeat(200)}\n`));
  for (let at = 0; at < 10; at += 1) {
    transcript.take('stdout', Buffer.from(`${'y'.repeat(30)} ${secret.slice(0, 6)}`));
    transcript.take('stdout', Buffer.from(`${secret.slice(6)}\n`));
  }
  const { last } = transcript.end();
  transcript.note(`argument ${secret}`);
  const kept = await text();
  expect(kept).toContain('key [redacted:KEY] end\n');
  expect(kept).toContain('argument [redacted:KEY]\n');
  for (const part of [secret.slice(0, 9), secret.slice(9), 'alue-42']) {
    expect(kept + JSON.stringify(last)).not.toContain(part);
  }
});

test('bytes that are no text become replacement characters; a character cut in two does not', async () => {
  const { transcript, text } = open();
  const euro = Buffer.from('€');
  transcript.take('stdout', Buffer.concat([Buffer.from([0xff, 0x00]), euro.subarray(0, 1)]));
  transcript.take('stdout', euro.subarray(1));
  transcript.take('stderr', euro.subarray(0, 2));
  transcript.end();
  expect(await text()).toBe('[writ] try 1\n\ufffd\0€\ufffd');
});

test('a second try starts its counts anew in the same transcript', async () => {
  const { transcript, text } = open();
  transcript.take('stdout', Buffer.from('first\n'));
  transcript.end();
  transcript.begin('try 2');
  transcript.take('stdout', Buffer.from('second\n'));
  expect(transcript.end()).toMatchObject({ bytes: { stdout: 7 }, last: { stdout: 'second\n' } });
  expect(await text()).toBe('[writ] try 1\nfirst\n[writ] try 2\nsecond\n');
});

test('a disk that does not take it shows when it is closed', async () => {
  const to = createWriteStream(join(folder, 'no', 'such', 'folder'));
  const transcript = new Transcript({ to, redaction });
  transcript.take('stdout', Buffer.from('x'));
  transcript.end();
  await expect(transcript.close()).rejects.toThrow('ENOENT');
});

describe('live output', () => {
  function listen() {
    const pieces: LogPiece[] = [];
    const live = new LiveLog(runId, (subject, bytes) => {
      expect(subject).toBe(`writ.log.${runId}`);
      pieces.push(LogPiece.parse(JSON.parse(Buffer.from(bytes).toString())));
    });
    return { live, pieces };
  }

  test('comes in pieces of whole characters, with the place of each', () => {
    const { live, pieces } = listen();
    const { transcript } = open({ live });
    const bytes = Buffer.from('a€b');
    for (const byte of bytes) transcript.take('stdout', Buffer.from([byte]));
    live.flush();
    transcript.take('stdout', Buffer.from(' c\n'));
    transcript.end();
    let bytesBefore = 0;
    for (const { text, offset } of pieces) {
      expect(offset).toBe(bytesBefore);
      bytesBefore += Buffer.byteLength(text);
    }
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map((it) => it.text).join('')).toBe('a€b c\n');
  });

  test('is bounded in rate, and never a secret', () => {
    const { live, pieces } = listen();
    const { transcript } = open({ live, headBytes: 100_000, tailBytes: 1000 });
    const piece = Buffer.from(`${'z'.repeat(60_000)} ${secret} \n`);
    for (let at = 0; at < 200; at += 1) transcript.take('stdout', piece);
    transcript.end();
    const text = pieces.map((it) => it.text).join('');
    expect(text.length).toBeLessThan(600_000);
    expect(text).toContain('[redacted:KEY]');
    expect(text).not.toContain(secret);
    expect(Math.max(...pieces.map((it) => it.text.length))).toBeLessThanOrEqual(32 * 1024);
  });
});
