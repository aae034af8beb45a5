/** The figures of a job for people; programs take the JSON. */
import type { Latency, Rate } from './measure';

type Printed = Readonly<Record<string, unknown>>;

const rates: readonly Rate[] = ['stepsPerSecond', 'eventsPerSecond', 'directivesPerSecond'];
/** Told in lines of their own. */
const told = new Set<string>(['job', 'parameters', 'seconds', 'latencyMs', 'rounds', ...rates]);

export function printed(result: Printed): string {
  const rate = rates.find((name) => result[name] !== undefined);
  const unit = rate?.replace('PerSecond', '/s') ?? '';
  const speed = rate === undefined ? '' : `${String(result[rate])} ${unit} in `;
  const latency = result['latencyMs'] as Latency | undefined;
  const rest = Object.entries(result).filter(([name]) => !told.has(name));
  return [
    `${String(result['job'])} ${JSON.stringify(result['parameters'])}`,
    `  ${speed}${String(result['seconds'])} s`,
    ...(latency === undefined
      ? []
      : [`  p50 ${latency.p50} ms, p99 ${latency.p99} ms, max ${latency.max} ms`]),
    ...rest.map(([name, value]) => `  ${name} ${JSON.stringify(value)}`),
  ].join('\n');
}
