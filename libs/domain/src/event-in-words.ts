/** An event of a directive as a sentence: what happened, and what it was by. */
import type { Confidence, RecordedEvent, StepFailure } from '@writ/contracts';

interface Said {
  readonly step?: string;
  readonly attempt?: number;
  readonly confidence?: Confidence | null;
  readonly failure?: StepFailure;
  readonly because?: string;
  readonly decision?: string;
  readonly by?: string | readonly string[];
  readonly comment?: string;
  readonly reason?: string;
  readonly summary?: string;
  readonly rework?: { readonly instructions: string };
}

/** `StepReworkRequested` -> `step rework requested`; a type that comes later needs no entry here. */
const inWords = (type: string) =>
  type
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .trim();

export function eventInWords({ type, data }: RecordedEvent): string {
  const said = data as Said;
  const { step, attempt, confidence, failure, because, decision, by, comment, reason } = said;
  const who = typeof by === 'string' ? by : by?.join(', ');
  const score = confidence?.score ?? null;
  const details = [
    step === undefined ? '' : `"${step}"`,
    attempt === undefined ? '' : `attempt ${attempt}`,
    confidence === undefined || confidence === null
      ? ''
      : `${confidence.level}${score === null ? '' : ` (score ${score})`}`,
    decision === undefined ? '' : `${decision}${who === undefined ? '' : ` by ${who}`}`,
    failure === undefined ? '' : `${failure.kind}: ${failure.message}`,
    because === undefined || because === step ? '' : `because of "${because}"`,
    ...[comment, reason, said.summary, said.rework?.instructions].map((it) => it ?? ''),
  ];
  const told = details.filter((it) => it !== '').map((it) => it.replace(/\s+/g, ' ').slice(0, 300));
  return told.length === 0 ? inWords(type) : `${inWords(type)}: ${told.join(', ')}`;
}
