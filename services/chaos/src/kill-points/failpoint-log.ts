/** What a process with failpoints says of them in its log, from a moment on. */
import { existsSync, readFileSync, statSync } from 'node:fs';

interface Line {
  readonly failpoint?: string;
  /** Of one that is carried out; of one that is merely passed there is none. */
  readonly hit?: number;
  readonly action?: string;
}

export class FailpointLog {
  private readonly from: number;

  constructor(private readonly file: string) {
    this.from = existsSync(file) ? statSync(file).size : 0;
  }

  /** The points at which something was done, each as a plan would name it. */
  carriedOut(): string[] {
    return this.lines().flatMap(({ failpoint, hit }) =>
      failpoint === undefined || hit === undefined ? [] : [`${failpoint}#${hit}`],
    );
  }

  /** The points that the process came by. */
  passed(): string[] {
    return this.lines().flatMap(({ failpoint }) => failpoint ?? []);
  }

  private lines(): Line[] {
    if (!existsSync(this.file)) return [];
    const text = readFileSync(this.file).subarray(this.from).toString();
    return text.split('\n').flatMap((line) => {
      if (!line.includes('"failpoint"')) return [];
      try {
        return [JSON.parse(line) as Line];
      } catch {
        return []; // half a line: it is looked at again
      }
    });
  }
}
