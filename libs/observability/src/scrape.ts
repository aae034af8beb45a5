/** Figures that somebody else keeps are copied into their metrics just before a registry is read. */
import type { Registry } from 'prom-client';

type BeforeScrape = () => void | Promise<void>;

const hooks = new WeakMap<Registry, BeforeScrape[]>();

export function beforeScrape(registry: Registry, hook: BeforeScrape): void {
  hooks.set(registry, [...(hooks.get(registry) ?? []), hook]);
}

/** The registry as text for Prometheus, with everything as it is now. */
export async function scrape(registry: Registry): Promise<string> {
  await Promise.all((hooks.get(registry) ?? []).map(async (hook) => hook()));
  return registry.metrics();
}
