/** What running programs needs of this machine and this process; opened once, at the start. */
import type { PipeMaker } from './process/open-pipe';
import type { Warden } from './process/warden';
import type { Needle } from './redaction/secrets';
import type { Sandbox } from './sandbox/sandbox';
import type { Slots } from './slots';

export interface ProgramHost {
  readonly sandbox: Sandbox;
  readonly pipes: PipeMaker;
  readonly warden: Warden;
  /** How many programs run at a time. */
  readonly slots: Slots;
  /** Where the executor keeps work folders; a real path. */
  readonly dataDir: string;
  /** Folders that no workspace shows: the executor's own. Real paths. */
  readonly hidden: readonly string[];
  /** PATH of programs. */
  readonly path: string;
  /** Variables of the executor that programs get, by configuration. */
  readonly passed: Readonly<Record<string, string>>;
  /** Names of those whose values are secret. */
  readonly secretNames: readonly string[];
  /** Places that every program may read, besides the system's. */
  readonly readable: readonly string[];
  readonly needles: readonly Needle[];
  readonly redacted: (count: number) => void;
  /** Most bytes of a file that stdout is kept in. */
  readonly maxOutputBytes: number;
  /** Between TERM and KILL, if less than usual. */
  readonly graceMs?: number;
}
