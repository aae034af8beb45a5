/**
 * Faults put into the product on purpose, one at a time: a simulator that does not find them would
 * not find those that nobody put there.
 */
import { VersionConflict } from '@writ/contracts';
import type { EventLog, MemoryLog, SnapshotTable } from '@writ/event-log';
import type { Bus, Incoming, Reaction } from '@writ/messaging';

export const mutants = {
  'no-expected-version': 'appends whatever version the stream has',
  'ack-before-commit': 'acknowledges a message before its reaction has recorded anything',
  'no-reconciler': 'rings nothing again',
  'lossy-snapshots': 'forgets with each snapshot which commands it has answered',
} as const;

export type Mutant = keyof typeof mutants;

/** The append of the first mutant. What was appended before is no conflict, and not its matter. */
export const appendAnyway =
  (log: MemoryLog): EventLog['append'] =>
  async (append) => {
    try {
      return await log.append(append);
    } catch (error) {
      if (!(error instanceof VersionConflict)) throw error;
      return log.append({ ...append, expectedVersion: error.actualVersion });
    }
  };

/** What the fourth reads. */
export const lossy = (table: SnapshotTable): SnapshotTable => ({
  read: async (stream) => {
    const found = await table.read(stream);
    if (found === undefined) return undefined;
    const { maps, ...rest } = JSON.parse(found.state) as { maps: object };
    return { ...found, state: JSON.stringify({ ...rest, maps: { ...maps, answers: [] } }) };
  },
  write: (snapshot) => table.write(snapshot),
  remove: (snapshot) => table.remove(snapshot),
  streams: (after, limit) => table.streams(after, limit),
  clear: () => table.clear(),
});

/** The reaction of the second: it goes on behind its acknowledgement, and answers when it is done. */
export const acknowledgedFirst =
  <T>(reaction: Reaction<T>, bus: Pick<Bus, 'broadcast'>): Reaction<T> =>
  async (message) => {
    const { replyTo } = message;
    const answer = (value: unknown) => {
      if (replyTo !== undefined) bus.broadcast(replyTo, Buffer.from(JSON.stringify(value)));
    };
    reaction({ ...message }).then(answer, () => undefined);
    delete (message as { replyTo?: Incoming['replyTo'] }).replyTo;
  };
