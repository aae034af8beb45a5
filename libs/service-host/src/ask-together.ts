/** Gathers questions that come while one round trip is under way into the next one. No timer. */

export class AskTogether<Q, A> {
  private waiting: {
    question: Q;
    resolve: (answer: A) => void;
    reject: (error: unknown) => void;
  }[] = [];
  private busy = false;

  constructor(
    /** Answers in the order of the questions. */
    private readonly askAll: (questions: readonly Q[]) => Promise<readonly A[]>,
    private readonly most = 200,
  ) {}

  ask(question: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ question, resolve, reject });
      if (!this.busy) void this.work();
    });
  }

  private async work(): Promise<void> {
    this.busy = true;
    // What was asked in the same turn of the loop goes together.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.most);
      try {
        const answers = await this.askAll(batch.map(({ question }) => question));
        batch.forEach(({ resolve, reject }, at) => {
          const answer = answers[at];
          if (answer === undefined) reject(new Error('a question got no answer'));
          else resolve(answer);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.busy = false;
  }
}
