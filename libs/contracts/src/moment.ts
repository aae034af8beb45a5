/** A moment of the record: a position of the log, or a time. */
import { z } from 'zod';

const FORM = 'is neither a position of the log nor a time such as 2026-01-31T12:00:00Z';

export const Moment = z.union([
  z.number().int().min(1),
  z.iso.datetime({ offset: true, error: FORM }),
]);
export type Moment = z.infer<typeof Moment>;

/** As people write it; see `momentOf`. */
export const MomentText = z
  .string()
  .max(40)
  .refine((text) => Moment.safeParse(read(text)).success, FORM);

/** Of a text that is a `MomentText`. */
export const momentOf = (text: string): Moment => Moment.parse(read(text));

const read = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : text);
