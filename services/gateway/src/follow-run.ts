/**
 * The live output of one run, from now on. Owns when it ends: at the run's end, which is heard, or
 * found by asking when it was missed. Pieces may be missing; the transcript has them all.
 */
import { LogPiece, queries, type RunDocument, subjects } from '@writ/contracts';
import { readJson } from '@writ/messaging';

import type { Backend } from './backend';
import type { SseStream } from './http/sse-stream';

const ASK_EVERY_MS = 2_000;

export async function followRun(
  backend: Backend,
  stream: SseStream,
  run: RunDocument,
): Promise<void> {
  const { runId } = run;
  let rung = false;
  let wake: () => void = () => undefined;
  const ring = () => {
    rung = true;
    wake();
  };
  stream.signal.addEventListener('abort', ring);
  const output = await backend.bus.listen(subjects.log(runId), (_, bytes) => {
    const piece = pieceOf(bytes);
    if (piece !== undefined) stream.send({ event: piece.stream, data: piece });
  });
  const ended = await backend.bus.listen(subjects.event('run', runId, 'RunEnded'), ring);
  try {
    let last = run;
    while (last.status !== 'complete' && !stream.signal.aborted) {
      if (!rung) await new Promise<void>((resolve) => (wake = soon(resolve)));
      rung = false;
      if (!stream.signal.aborted) {
        last = (await backend.query(queries.run, { runId })) as RunDocument;
      }
    }
    const { result, transcript } = last;
    stream.send({ event: 'end', data: { result, transcript } });
  } finally {
    stream.end();
    await Promise.all([output.close(), ended.close()]);
  }
}

/** Calls after a while, or when it is called itself. */
function soon(resolve: () => void): () => void {
  const timer = setTimeout(resolve, ASK_EVERY_MS);
  return () => {
    clearTimeout(timer);
    resolve();
  };
}

/** Anybody on NATS can publish there; what is no piece of output is nobody's output. */
function pieceOf(bytes: Uint8Array): LogPiece | undefined {
  try {
    return LogPiece.safeParse(readJson(bytes)).data;
  } catch {
    return undefined;
  }
}
