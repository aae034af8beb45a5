import { type LogPiece, plainLine, plainText, type RunDocument } from '@writ/contracts';

import { runPath } from '../api-path';
import { CliError } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { lineReader } from '../read-sse';
import { bytes, duration, table } from '../view/style';

const PAUSE_MS = 500;

/** With --json the run and, under `output`, all that it said. */
export async function logs(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const gateway = Gateway.find();
  const run = await gateway.get<RunDocument>(runPath(id));
  if (run.status !== 'complete' && !output.json) {
    output.talk(`${id} is running; this is what it says from now on`);
    await printLive(gateway, id, output);
    return;
  }
  if (output.json) {
    const said = run.status === 'complete' ? await gateway.getText(`${runPath(id)}/logs`) : null;
    output.value({ ...run, output: said });
    return;
  }
  const keepColours = usesColour(process.stdout);
  for await (const line of lineReader(await gateway.pieces(`${runPath(id)}/logs`))) {
    output.data(plainText(line, { keepColours }));
  }
}

/** Until the run ends. What is said while the stream is broken is in the transcript only. */
async function printLive(gateway: Gateway, id: string, output: Output): Promise<void> {
  const keepColours = usesColour(process.stdout);
  const leave = new AbortController();
  for (;;) {
    try {
      for await (const { event, data } of gateway.events(`${runPath(id)}/logs`, leave.signal)) {
        if (event === 'end') {
          const { result } = JSON.parse(data) as { result: string };
          output.talk(`the run has ended: ${result}; "writ logs ${id}" prints all of it`);
          return;
        }
        const { text } = JSON.parse(data) as LogPiece;
        process.stdout.write(plainText(text, { keepColours }));
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
      output.talk('the stream broke off; it is taken up again');
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

export async function runInfo(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const run = await Gateway.find().get<RunDocument>(runPath(id));
  if (output.json) output.value(run);
  else output.data(runView(run).join('\n'));
}

function runView(run: RunDocument): string[] {
  const { error, adapter, bundle, usage } = run;
  const facts = [
    ['run', run.runId],
    ['step', `${run.step}, attempt ${run.attempt}`],
    ['status', run.result === null ? run.status : `${run.status}: ${run.result}`],
    ...(error === null
      ? []
      : [['error', `${error.kind} ${error.code}: ${plainLine(error.message, 500)}`]]),
    ...(run.sourceRunId === null ? [] : [['taken from', run.sourceRunId]]),
    ...(adapter === null ? [] : [['adapter', `${adapter.kind} ${adapter.version}`]]),
    ...(run.sandbox === null ? [] : [['sandbox', run.sandbox]]),
    ...(run.exitCode === null ? [] : [['exit code', String(run.exitCode)]]),
    ...(run.durationMs === null ? [] : [['took', duration(run.durationMs)]]),
    ...(bundle === null ? [] : [['input bundle', bundle.hash]]),
    ...(usage === null ? [] : [['cost', `$${usage.costUsd}`]]),
    ...(run.transcript === null ? [] : [['transcript', run.transcript]]),
  ];
  const stages = run.stages.map(({ name, status, startedAt, endedAt }) => [
    `stage ${name}`,
    status,
    duration(Date.parse(endedAt) - Date.parse(startedAt)),
  ]);
  const attempts = run.attempts.map((it) => [
    `attempt ${it.attempt}`,
    it.error === undefined ? `exit ${it.exitCode ?? it.signal ?? ''}` : plainLine(it.error.message),
    duration(it.durationMs),
  ]);
  const artifacts = run.artifacts.map((it) => [plainLine(it.path), bytes(it.bytes), it.digest]);
  return [
    ...table(facts),
    ...(stages.length + attempts.length === 0 ? [] : ['', ...table([...stages, ...attempts])]),
    ...(artifacts.length === 0 ? [] : ['', ...table(artifacts)]),
  ];
}
