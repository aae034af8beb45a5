/**
 * The whole HTTP interface at a glance. Controllers take their paths and schemas from here, and the
 * OpenAPI document is written from here, so neither can say what the other does not.
 */
import {
  Digest,
  DirectiveDocument,
  DirectiveId,
  DirectiveManifest,
  DirectiveStatus,
  DirectiveSummary,
  PlanDocument,
  RunDocument,
  RunManifest,
} from '@writ/contracts';
import { z } from 'zod';

import { approvalRoutes } from './approval-routes';
import {
  AcceptedCommand,
  ChainDocument,
  DeadLetterSummary,
  DirectiveOrderBody,
  EventPageDocument,
  ForkBody,
} from './http-documents';
import { recordRoutes } from './record-routes';
import { directiveId, json, limit, nothing, runId, type Route } from './route';
import { ruleRoutes } from './rule-routes';
import { scheduleRoutes } from './schedule-routes';

const sse = { 'text/event-stream': null };
const lines = { 'application/x-ndjson': null };

const position = z.coerce.number().int().min(0);

const sseNote =
  'With Accept: text/event-stream it goes on with what comes; each message has the position as its id, and Last-Event-ID resumes without a gap or a duplicate.';

export const routes = {
  submitDirective: {
    method: 'post',
    path: '/v1/directives',
    summary: 'Submits a directive',
    params: nothing,
    body: z.strictObject({ directive: z.unknown(), start: z.boolean().optional() }),
    idempotent: true,
    status: 202,
    answers: json(AcceptedCommand),
    problems: [409, 413, 415, 422, 429],
  },
  plan: {
    method: 'post',
    path: '/v1/plan',
    summary: 'Shows what would become of a directive, and writes nothing',
    description:
      'Its steps as they would be planned, in layers; what is wrong with them; which of them work on which requirement; what they will cost and how long they will take, by what they did before. What the answer finds wrong is in its issues, not a problem document.',
    params: nothing,
    body: z.strictObject({ directive: z.unknown() }),
    idempotent: true,
    answers: json(PlanDocument),
    problems: [413, 415],
  },
  listDirectives: {
    method: 'get',
    path: '/v1/directives',
    summary: 'Lists directives, newest first; archived ones only by their status',
    query: z.strictObject({
      status: DirectiveStatus.optional(),
      limit: limit.optional(),
      /** The id of the last one seen. */
      after: DirectiveId.optional(),
    }),
    answers: json(z.array(DirectiveSummary)),
    problems: [],
  },
  directive: {
    method: 'get',
    path: '/v1/directives/{id}',
    summary: 'A directive with its steps',
    params: directiveId,
    query: nothing,
    answers: json(DirectiveDocument),
    problems: [404],
  },
  commandDirective: {
    method: 'post',
    path: '/v1/directives/{id}/commands',
    summary: 'Tells a directive what to do',
    params: directiveId,
    body: DirectiveOrderBody,
    idempotent: true,
    status: 202,
    answers: json(AcceptedCommand),
    problems: [404, 409, 413, 415, 422],
  },
  forkDirective: {
    method: 'post',
    path: '/v1/directives/{id}/fork',
    summary: 'Begins another directive where this one stood',
    params: directiveId,
    body: ForkBody,
    idempotent: true,
    status: 202,
    answers: json(AcceptedCommand),
    problems: [404, 409, 413, 415, 422],
  },
  ...approvalRoutes,
  ...scheduleRoutes,
  ...recordRoutes,
  ...ruleRoutes,
  chain: {
    method: 'get',
    path: '/v1/directives/{id}/chain',
    summary: 'The chain of a directive, in layers',
    params: directiveId,
    query: nothing,
    answers: json(ChainDocument),
    problems: [404],
  },
  directiveEvents: {
    method: 'get',
    path: '/v1/directives/{id}/events',
    summary: 'What happened to a directive',
    description: sseNote,
    params: directiveId,
    query: z.strictObject({ after: position.optional(), limit: limit.optional() }),
    answers: { ...json(EventPageDocument), ...sse },
    problems: [404],
  },
  directiveManifest: {
    method: 'get',
    path: '/v1/directives/{id}/manifest',
    summary: 'The sealed manifest of a directive',
    description: 'The canonical text, byte for byte as it was sealed; its digest is the ETag.',
    params: directiveId,
    query: nothing,
    answers: json(DirectiveManifest),
    problems: [404],
  },
  events: {
    method: 'get',
    path: '/v1/events',
    summary: 'The log',
    description: sseNote,
    query: z.strictObject({ after: position.optional(), limit: limit.optional() }),
    answers: { ...json(EventPageDocument), ...sse },
    problems: [],
  },
  run: {
    method: 'get',
    path: '/v1/runs/{id}',
    summary: 'A run of a step: stages, attempts, usage',
    params: runId,
    query: nothing,
    answers: json(RunDocument),
    problems: [404],
  },
  runManifest: {
    method: 'get',
    path: '/v1/runs/{id}/manifest',
    summary: 'The sealed manifest of a run',
    description: 'The canonical text, byte for byte as it was sealed; its digest is the ETag.',
    params: runId,
    query: nothing,
    answers: json(RunManifest),
    problems: [404],
  },
  runLogs: {
    method: 'get',
    path: '/v1/runs/{id}/logs',
    summary: 'What a run said',
    description:
      'The transcript of a run that has ended. With Accept: text/event-stream the output from now on, as it comes, and last an event "end" with {result, transcript}.',
    params: runId,
    query: nothing,
    answers: { 'text/plain': null, ...sse },
    problems: [404, 409],
  },
  getArtifact: {
    method: 'get',
    path: '/v1/artifacts/{digest}',
    summary: 'Bytes by digest, as a download',
    params: z.strictObject({ digest: Digest }),
    /** The name to save them under. */
    query: z.strictObject({ name: z.string().min(1).max(200).optional() }),
    answers: { 'application/octet-stream': null },
    problems: [404],
  },
  putArtifact: {
    method: 'put',
    path: '/v1/artifacts/{digest}',
    summary: 'Keeps bytes by digest',
    params: z.strictObject({ digest: Digest }),
    query: nothing,
    bodyType: 'application/octet-stream',
    answers: json(z.object({ digest: Digest, bytes: z.number().int() })),
    problems: [413, 422],
  },
  rebuild: {
    method: 'post',
    path: '/v1/rebuild',
    summary: 'Builds every read model anew from the log, and with check only compares',
    description:
      'Lines of JSON: {"progress"} while it works, last {"result": {events, seconds, projections}} or {"error"}.',
    body: z.strictObject({ check: z.boolean().default(false) }),
    idempotent: true,
    answers: lines,
    problems: [415],
  },
  verifyLog: {
    method: 'post',
    path: '/v1/log/verify',
    summary: 'Verifies the hash chain of the log and its signed checkpoints',
    description:
      'Lines of JSON: {"progress"} while it works, last {"result": {events, headPosition, headHash, ok, firstBad?}} or {"error"}.',
    body: nothing,
    idempotent: true,
    answers: lines,
    problems: [415],
  },
  listDeadLetters: {
    method: 'get',
    path: '/v1/dead-letters',
    summary: 'What could not be handled, newest first',
    query: z.strictObject({ limit: limit.optional() }),
    answers: json(z.array(DeadLetterSummary)),
    problems: [],
  },
  deadLetter: {
    method: 'get',
    path: '/v1/dead-letters/{id}',
    summary: 'A dead letter with its error and the original',
    params: z.strictObject({ id: z.string().min(1).max(200) }),
    query: nothing,
    answers: json(DeadLetterSummary),
    problems: [404],
  },
  replayDeadLetter: {
    method: 'post',
    path: '/v1/dead-letters/{id}/replay',
    summary: 'Sends the original of a dead letter again',
    params: z.strictObject({ id: z.string().min(1).max(200) }),
    body: nothing,
    idempotent: true,
    answers: json(z.object({ id: z.string(), subject: z.string() })),
    problems: [404, 409, 415],
  },
  openApi: {
    method: 'get',
    path: '/openapi.json',
    summary: 'This interface as an OpenAPI document',
    answers: json(null),
    problems: [],
  },
  asyncApi: {
    method: 'get',
    path: '/asyncapi.json',
    summary: 'The messages on NATS as an AsyncAPI document',
    answers: json(null),
    problems: [],
  },
  page: {
    method: 'get',
    path: '/',
    summary: 'Directives on a page, for people',
    query: z.strictObject({ directive: DirectiveId.optional() }),
    answers: { 'text/html': null },
    problems: [404],
  },
  pageScript: {
    method: 'get',
    path: '/page.js',
    summary: 'The script of the page',
    answers: { 'text/javascript': null },
    problems: [],
  },
  pageStyle: {
    method: 'get',
    path: '/page.css',
    summary: 'The style of the page',
    answers: { 'text/css': null },
    problems: [],
  },
} as const satisfies Record<string, Route>;
