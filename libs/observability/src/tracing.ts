/**
 * W3C trace context: one directive is one trace, whose `traceparent` is in every message and event.
 * Owns reading, writing and continuing it. Nothing is exported from here; a trace is found in the log.
 */
import { randomBytes } from 'node:crypto';
import { isSpanContextValid, type SpanContext, TraceFlags } from '@opentelemetry/api';

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** undefined when there is none or it is not valid; a bad traceparent is ignored, as W3C asks. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const match = form.exec(text ?? '');
  if (!match) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = match;
  // Version 00 ends with the flags; a later version may go on, ff is no version.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED };
  return isSpanContextValid(context) ? context : undefined;
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** A new span in the trace of `parent`; without a parent the first span of a new trace. */
export function childOf(parent: SpanContext | undefined): SpanContext {
  return {
    traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    traceFlags: parent?.traceFlags ?? TraceFlags.SAMPLED,
  };
}

/** The traceparent of what follows from a message: same trace, new span. */
export function continueTrace(traceparent: string | undefined): string {
  return formatTraceparent(childOf(parseTraceparent(traceparent)));
}

/** The trace id for a log line. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return parseTraceparent(traceparent)?.traceId;
}
