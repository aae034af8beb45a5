/** What goes over HTTP in a form of its own; everything else has the form that contracts give it. */
import {
  ApprovalId,
  Decision,
  DirectiveFile,
  directiveCommands,
  DirectiveId,
  EventMetadata,
  Position,
  scheduleCommands,
  ScheduleId,
  StepDocument,
  toldVerbs,
  type ToldVerb,
} from '@writ/contracts';
import { z } from 'zod';

/** What is told to one directive: the verb with the data of its command. */
const orderOf = (verb: ToldVerb) => {
  const { shape }: { shape: Record<string, z.ZodType> } = directiveCommands[verb];
  const { directiveId: _, ...order } = shape;
  return z.strictObject({ verb: z.literal(verb), ...order });
};
const [firstVerb, ...otherVerbs] = toldVerbs;
export const ForkBody = directiveCommands.fork
  .omit({ from: true, directiveId: true })
  .extend({ start: z.boolean().optional() });
export const DirectiveOrderBody = z.discriminatedUnion('verb', [
  orderOf(firstVerb),
  ...otherVerbs.map(orderOf),
]);

export const AcceptedCommand = z
  .object({
    directiveId: DirectiveId,
    commandId: z.string(),
    /** Of the last event that the command made. */
    position: z.number().int(),
    version: z.number().int(),
  })
  .meta({ id: 'AcceptedCommand' });

export const AcceptedTalk = z.object({
  approvalId: z.string(),
  commandId: z.string(),
  position: z.number().int(),
});

export const AcceptedDecision = z
  .object({
    approvalId: ApprovalId,
    decision: Decision,
    commandId: z.string(),
    position: z.number().int(),
  })
  .meta({ id: 'AcceptedDecision' });

export const AcceptedSchedule = z
  .object({
    scheduleId: ScheduleId,
    commandId: z.string(),
    position: z.number().int(),
    version: z.number().int(),
    /** Of a cron expression. */
    next: z.array(z.string()),
    /** What a firing by hand has made. */
    directiveId: DirectiveId.optional(),
  })
  .meta({ id: 'AcceptedSchedule' });

export const RecordedEventDocument = z
  .object({
    position: z.number().int(),
    stream: z.string(),
    version: z.number().int(),
    id: z.string(),
    type: z.string(),
    schemaVersion: z.number().int(),
    data: z.unknown(),
    metadata: EventMetadata,
    recordedAt: z.string(),
    hash: z.string().optional(),
  })
  .meta({ id: 'RecordedEvent' });

export const EventPageDocument = z.object({
  events: z.array(RecordedEventDocument),
  headPosition: z.number().int(),
});

/** The steps of the chain, with where they are drawn: layer 0 waits for nothing. */
export const ChainDocument = z.object({
  directiveId: DirectiveId,
  generation: z.number().int(),
  steps: z.array(StepDocument.extend({ layer: z.number().int(), position: Position })),
});

export const DeadLetterSummary = z.looseObject({ id: z.string(), reason: z.string() });

/** Body of `submitDirective` in full, for the document: the handler tells each issue itself. */
export const SubmitBody = z.strictObject({
  directive: DirectiveFile,
  /** Start at once; default true. */
  start: z.boolean().optional(),
});

/** The same of `createSchedule`. */
export const CreateScheduleBody = scheduleCommands.create.omit({ scheduleId: true });
