/** The bus's metrics in the shape in which `@writ/messaging` takes them (`BusMetrics`). */
import type { Registry } from 'prom-client';
import { metrics, metricsOf } from './metrics';

type DeadReason = (typeof metrics.bus.deadLetters.labels.reason)[number];

export function busMetrics(registry: Registry) {
  const bus = metricsOf(registry, 'bus');
  const seen = new Set<string>();
  /** The first dead letter of a consumer must be an increase: its counters begin at zero. */
  const see = (consumer: string) => {
    if (seen.has(consumer)) return;
    seen.add(consumer);
    bus.redeliveries.inc({ consumer }, 0);
    for (const reason of metrics.bus.deadLetters.labels.reason) {
      bus.deadLetters.inc({ consumer, reason }, 0);
    }
  };
  return {
    sent: (outcome: 'stored' | 'failed', ms: number) =>
      bus.sendSeconds.observe({ outcome }, ms / 1000),
    delivered: (consumer: string, outcome: string, ms: number) => {
      see(consumer);
      bus.handlingSeconds.observe({ consumer, outcome }, ms / 1000);
    },
    redelivered: (consumer: string) => bus.redeliveries.inc({ consumer }),
    deadLettered: (consumer: string, reason: DeadReason) =>
      bus.deadLetters.inc({ consumer, reason }),
    pending: (consumer: string, count: number) => {
      see(consumer);
      bus.consumerPending.set({ consumer }, count);
    },
    healed: (name: string) => bus.heals.inc({ name }),
  };
}
