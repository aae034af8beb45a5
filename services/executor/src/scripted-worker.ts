/** A worker over the bus in memory that says what a spec tells it to. */
import { workerQueue, subjects, type WorkerAnswer, type WorkerWork } from '@writ/contracts';
import { MemoryBus, type MemoryServer } from '@writ/messaging';

let names = 0;

export class ScriptedWorker {
  private readonly came: WorkerWork[] = [];
  private readonly awaited: ((work: WorkerWork) => void)[] = [];
  private readonly worker = `worker-${(names += 1)}`;

  private constructor(
    private readonly bus: MemoryBus,
    private readonly name: string,
  ) {}

  static async connect(server: MemoryServer, name: string): Promise<ScriptedWorker> {
    const bus = new MemoryBus({ server, name: 'worker' });
    const made = new ScriptedWorker(bus, name);
    const options = { parse: (data: unknown) => data as WorkerWork, concurrency: 10 };
    await bus.consume(workerQueue(name), options, async ({ data }) => made.got(data));
    return made;
  }

  /** The next work, when it comes. */
  take(): Promise<WorkerWork> {
    const work = this.came.shift();
    return work ? Promise.resolve(work) : new Promise((resolve) => this.awaited.push(resolve));
  }

  say(work: Pick<WorkerWork, 'replyTo' | 'token'>, said: object): Promise<WorkerAnswer> {
    const { token, replyTo } = work;
    const whole = { token, worker: this.worker, ...said };
    return this.bus.query(replyTo, whole) as Promise<WorkerAnswer>;
  }

  cancelled(runId: string): Promise<unknown> {
    return new Promise((resolve) => {
      void this.bus.listen(subjects.workerCancel(this.name, runId), (_, bytes) => {
        resolve(JSON.parse(Buffer.from(bytes).toString('utf8')));
      });
    });
  }

  close(): Promise<void> {
    return this.bus.drain(0);
  }

  private got(work: WorkerWork): void {
    const next = this.awaited.shift();
    if (next) next(work);
    else this.came.push(work);
  }
}
