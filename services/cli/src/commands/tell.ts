import { directivePath } from '../api-path';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import type { Accepted } from '../submit-directive';

interface TellOptions extends CommonOptions {
  readonly reason?: string;
  readonly key?: string;
  readonly cut?: boolean;
}

const told: Readonly<Record<string, string>> = {
  start: 'started',
  pause: 'paused: running steps end, no more start',
  resume: 'goes on',
  stop: 'stopped',
  archive: 'archived',
};

/** Tells a directive what to do. */
export async function tell(verb: string, id: string, options: TellOptions): Promise<void> {
  const output = new Output(options);
  const { reason, key, cut = false } = options;
  const body = {
    ...{ verb, ...(cut ? { mode: 'cut' } : {}) },
    ...(reason === undefined ? {} : { reason }),
  };
  const path = `${directivePath(id)}/commands`;
  const { directiveId, commandId, position } = await Gateway.find().post<Accepted>(path, body, key);
  if (output.json) output.value({ directiveId, commandId, position });
  else output.talk(`${id} ${cut ? 'paused: what ran is cancelled' : (told[verb] ?? verb)}`);
}
