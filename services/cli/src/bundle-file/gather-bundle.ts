/**
 * What goes into a bundle: asked from the gateway, put in order. Owns under which names things lie in
 * the zip file, and that the same record gives the same list.
 */
import {
  BUNDLE_FORMAT_VERSION,
  type BundleFile,
  type BundleMetadata,
  type DirectiveDocument,
  finalStatuses,
  type RecordedEvent,
  type RunDocument,
  type RunManifest,
  type StepDocument,
} from '@writ/contracts';
import { createHash } from 'node:crypto';

import { directivePath, runPath } from '../api-path';
import { CliError } from '../cli-error';
import { pageAfter } from '../commands/events';
import type { Gateway } from '../gateway-client';

export interface Gathered {
  readonly metadata: BundleMetadata;
  /** By path in the zip file, of what the gateway does not have by its digest. */
  readonly texts: ReadonlyMap<string, Buffer>;
}

export async function gatherBundle(
  gateway: Gateway,
  id: string,
  stepName: string | undefined,
  writVersion: string,
): Promise<Gathered> {
  const directive = await gateway.get<DirectiveDocument>(directivePath(id));
  const steps = stepsOf(directive, stepName);
  const last = await lastEvent(gateway, directive);
  const passed = await passedRuns(gateway, directive, steps);
  const contents = new Contents();
  const chosen = steps.map((step) => ({
    ...{ name: step.name, status: step.status as string },
    runId: passed.get(step.name) ?? step.runId,
  }));
  const runs = await someAtOnce(
    chosen.flatMap(({ runId }) => runId ?? []),
    async (runId) => {
      const run = await gateway.get<RunDocument>(runPath(runId));
      await contents.addRun(gateway, run, await manifestText(gateway, runPath(runId)));
      return run;
    },
  );
  if (stepName === undefined && finalStatuses.includes(directive.status)) {
    const manifest = await manifestText(gateway, directivePath(id));
    if (manifest !== undefined) contents.addText('manifests/directive.json', manifest, null);
  }
  const metadata: BundleMetadata = {
    ...{ kind: 'writ-bundle', formatVersion: BUNDLE_FORMAT_VERSION, writVersion },
    createdAt: last.recordedAt,
    log: { position: last.position, hash: last.hash ?? '' },
    step: stepName ?? null,
    ...{ directive, steps: chosen, runs },
    files: contents.inOrder(),
  };
  return { metadata, texts: contents.texts };
}

const AT_ONCE = 16;

/** In the order of the items, whichever is there first. */
async function someAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>) {
  const done: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    done.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
  }
  return done;
}

function stepsOf(directive: DirectiveDocument, name: string | undefined): StepDocument[] {
  if (name === undefined) return directive.steps;
  const step = directive.steps.find((it) => it.name === name);
  if (step === undefined) {
    const names = directive.steps.map((it) => it.name).join(', ');
    throw new CliError('not_found', `directive ${directive.id} has no step "${name}": ${names}`);
  }
  if (step.runId === null) {
    throw new CliError('not_found', `step ${name} has not run yet (${step.status})`);
  }
  return [step];
}

async function lastEvent(gateway: Gateway, directive: DirectiveDocument): Promise<RecordedEvent> {
  const { id, position } = directive;
  const path = `${directivePath(id)}/events`;
  const { events } = await pageAfter(gateway, path, position - 1, 1);
  const [event] = events;
  if (event?.position === position) return event;
  throw new CliError('unavailable', `the log does not show position ${position} yet; try again`);
}

const PAGE = 1_000;

/** Of steps that are not passed now, but were: the run with which they passed last. */
async function passedRuns(
  gateway: Gateway,
  directive: DirectiveDocument,
  steps: readonly StepDocument[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const asked = new Set(
    steps.filter((it) => it.status !== 'passed' && it.attempt > 1).map((it) => it.name),
  );
  if (asked.size === 0) return found;
  const path = `${directivePath(directive.id)}/events`;
  const present = `${directive.id}-g${directive.generation}-`;
  for (let after = 0, isLast = false; !isLast && after < directive.position;) {
    const page = await pageAfter(gateway, path, after, PAGE);
    for (const { type, data, position } of page.events) {
      if (type !== 'StepPassed' || position > directive.position) continue;
      const { step, run } = data as { step: string; run: { runId: string } };
      if (asked.has(step) && run.runId.startsWith(present)) found.set(step, run.runId);
    }
    after = page.events.at(-1)?.position ?? after;
    isLast = page.isLast;
  }
  return found;
}

/** Undefined when it is not sealed yet. */
async function manifestText(gateway: Gateway, path: string): Promise<string | undefined> {
  try {
    return await gateway.getText(`${path}/manifest`);
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_found') return undefined;
    throw error;
  }
}

type About = Pick<BundleFile, 'kind' | 'name' | 'runId' | 'step' | 'executable'>;

class Contents {
  readonly texts = new Map<string, Buffer>();
  private readonly files = new Map<string, BundleFile>();

  async addRun(gateway: Gateway, run: RunDocument, manifest: string | undefined): Promise<void> {
    const { runId, step } = run;
    const of = { runId, step, executable: false };
    for (const { path, digest, bytes, executable = false } of run.artifacts) {
      const about = { ...of, kind: 'artifact' as const, name: path, executable };
      this.add(nameIn(`artifacts/${step}`, path, digest), digest, bytes, about);
    }
    if (run.transcript !== null) {
      const bytes = await gateway.sizeOf(`/v1/artifacts/${run.transcript}`);
      const about = { ...of, kind: 'transcript' as const, name: null };
      this.add(`transcripts/${runId}.txt`, run.transcript, bytes, about);
    }
    if (manifest === undefined) return;
    this.addText(`manifests/${runId}.json`, manifest, of);
    const { validation } = JSON.parse(manifest) as RunManifest;
    for (const [at, { name, logDigest }] of (validation?.checks ?? []).entries()) {
      if (logDigest === undefined) continue;
      const bytes = await gateway.sizeOf(`/v1/artifacts/${logDigest}`);
      const about = { ...of, kind: 'check_log' as const, name };
      this.add(`checks/${runId}/${at + 1}.txt`, logDigest, bytes, about);
    }
  }

  addText(path: string, text: string, of: Pick<BundleFile, 'runId' | 'step'> | null): void {
    const bytes = Buffer.from(text);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const about = { kind: 'manifest' as const, name: null, executable: false };
    const { runId = null, step = null } = of ?? {};
    this.texts.set(path, bytes);
    this.add(path, digest, bytes.length, { ...about, runId, step });
  }

  inOrder(): BundleFile[] {
    return [...this.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  private add(path: string, digest: string, bytes: number, about: About): void {
    this.files.set(path, { path, ...about, digest, bytes });
  }
}

const LONGEST = 900;

/** Its own name where every system can have a file of that name; else its digest. */
export function nameIn(folder: string, path: string, digest: string): string {
  const isPlain = path
    .split('/')
    .every((part) => /^[^\p{Cc}\p{Cs}\\:*?"<>|]+$/u.test(part) && !/^\.{1,2}$|[. ]$/.test(part));
  const isShort = Buffer.byteLength(path) <= LONGEST;
  return isPlain && isShort
    ? `${folder}/${path}`
    : `${folder.replace('artifacts', 'contents')}/${digest.slice(7)}`;
}
