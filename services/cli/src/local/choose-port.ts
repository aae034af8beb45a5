/**
 * Ports of the stack: chosen once and kept, so that an address that somebody noted still holds after
 * the next start. One that a person named must be free; one that was chosen is chosen anew.
 */
import { freePort, isPortFree } from '@writ/embedded-servers';

import { CliError } from '../cli-error';
import { readJsonFile, writeJson } from './keep-json';
import type { StackHome } from './stack-home';

export class Ports {
  private readonly kept: Record<string, number>;

  constructor(private readonly home: StackHome) {
    this.kept = { ...(readJsonFile(home.portsFile) as Record<string, number> | undefined) };
  }

  async of(name: string, named?: number): Promise<number> {
    if (named !== undefined) {
      if (await isPortFree(named)) return named;
      const message = `port ${named} for the ${name} is taken by another process; choose another one`;
      throw new CliError('port_taken', message, { port: named });
    }
    const before = this.kept[name];
    if (before !== undefined && (await isPortFree(before))) return before;
    let port = await freePort();
    while (Object.values(this.kept).includes(port)) port = await freePort();
    this.kept[name] = port;
    writeJson(this.home.portsFile, this.kept);
    return port;
  }
}
