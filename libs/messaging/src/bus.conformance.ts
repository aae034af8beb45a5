/** What every bus does, whatever carries it: `bus.ts`, B1 to B4, as sentences. */
import { conformsInBacklog } from './backlog.conformance';
import type { Bus } from './bus';
import type { BusHarness, BusWorld } from './bus-world.conformance';
import { conformsInDelivery } from './delivery.conformance';
import { conformsInLetters } from './letters.conformance';
import { conformsInOverhearing } from './overhear.conformance';
import { conformsInQueries } from './queries.conformance';
import { conformsWithStrangers } from './strangers.conformance';
import { conformsInWork } from './work.conformance';

export function busConformance(start: () => Promise<BusHarness>): void {
  let harness: BusHarness;
  const buses: Bus[] = [];
  const world: BusWorld = {
    connect: async (name = 'test', claimCheck) => {
      const bus = await harness.connect(name, claimCheck);
      buses.push(bus);
      return bus;
    },
    publishRaw: (...message) => harness.publishRaw(...message),
    crash: (bus) => harness.crash(bus),
  };

  beforeAll(async () => {
    harness = await start();
  });
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.drain(0)));
  });
  afterAll(() => harness.stop());

  conformsInDelivery(world);
  conformsWithStrangers(world);
  conformsInWork(world);
  conformsInLetters(world);
  conformsInQueries(world);
  conformsInBacklog(world);
  conformsInOverhearing(world);
}
