/** How much waits for consumers: what is stored, what somebody holds, and nothing that is done with. */
import type { ConsumerDefinition } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Backlog } from './bus';
import { anything, someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { BusWorld } from './bus-world.conformance';

export function conformsInBacklog(world: BusWorld): void {
  test('what waits and what is in hands counts, over several consumers, until it is done', async () => {
    const bus = await world.connect();
    const [slow, other] = [someConsumer(), someConsumer()];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const until = (expected: Backlog, consumers: ConsumerDefinition[]) =>
      eventually(async () => expect(await bus.backlog(consumers)).toEqual(expected), {
        what: `the backlog to be ${JSON.stringify(expected)}`,
      });
    await bus.consume(slow, anything(1), () => held);
    await bus.consume(other, anything(1), () => held);
    for (let at = 0; at < 3; at += 1) await bus.send(someMessage(subjectOf(slow)));
    await bus.send(someMessage(subjectOf(other)));
    await until({ waiting: 2, inHands: 2 }, [slow, other]);
    await until({ waiting: 0, inHands: 1 }, [other]);
    release();
    await until({ waiting: 0, inHands: 0 }, [slow, other]);
  });

  test('nothing waits for a consumer that is not there', async () => {
    const bus = await world.connect();
    expect(await bus.backlog([someConsumer()])).toEqual({ waiting: 0, inHands: 0 });
  });
}
