/** Nest around the reactions: what it may change, and what it may not. */
import { Catch, Controller, Injectable, Module, UseFilters, UseGuards } from '@nestjs/common';
import type { CanActivate, ExceptionFilter, INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { TerminalError } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { EMPTY, of } from 'rxjs';
import { someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { Incoming } from './bus';
import { ReactionFailed } from './call-record';
import { Answers, connectHandlers, Hears } from './hears';
import { MemoryBus } from './memory-bus';
import { MemoryServer } from './memory-server';
import { JetStreamTransport } from './nest-transport';

const numbers = someConsumer();
const filtered = someConsumer();
const guarded = someConsumer({ maxDeliver: 1 });
const silenced = someConsumer({ maxDeliver: 1 });
const asNumber = (data: unknown) => {
  if (typeof data !== 'number') throw new Error('is not a number');
  return data;
};
const options = { parse: asNumber, concurrency: 4 };

@Injectable()
class Sums {
  readonly seen: number[] = [];
}

const caught: unknown[] = [];

/** The worst that a filter can do: it makes every error a success. */
@Catch()
class Swallow implements ExceptionFilter {
  catch(error: unknown) {
    caught.push(error);
    return caught.length % 2 === 0 ? EMPTY : of('all is well');
  }
}

@Injectable()
class Closed implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Controller()
class Subscriptions {
  constructor(private readonly sums: Sums) {}

  @Hears(numbers, options)
  async add({ data, deliveryCount }: Incoming<number>): Promise<unknown> {
    if (data === 13) throw new TerminalError('unlucky', 'thirteen');
    if (data === 2 && deliveryCount === 1) throw new Error('once more');
    this.sums.seen.push(data);
    return { ok: true, sum: this.sums.seen.reduce((a, b) => a + b, 0) };
  }

  @UseFilters(Swallow)
  @Hears(filtered, options)
  async fail(message: Incoming<number>): Promise<void> {
    if (message.deliveryCount < 3) throw new Error(`failure ${message.deliveryCount}`);
    this.sums.seen.push(message.data);
  }

  @Hears(guarded, options)
  @UseGuards(Closed)
  async guardedOne(): Promise<void> {
    throw new Error('never called');
  }

  @Hears(silenced, options)
  @UseGuards(Closed)
  @UseFilters(Swallow)
  async guardedAndFiltered(): Promise<void> {
    throw new Error('never called');
  }

  @Answers('sums', 'total')
  async total(question: unknown, progress: (state: unknown) => void): Promise<unknown> {
    progress('counting');
    if (question === 'bad') throw new TerminalError('bad_question', 'ask something else');
    return { question, count: this.sums.seen.length };
  }
}

@Module({ controllers: [Subscriptions], providers: [Sums] })
class SumsModule {}

describe.each(['Nest', 'connectHandlers'] as const)('subscriptions under %s', (how) => {
  let server: MemoryServer;
  let bus: MemoryBus;
  let asker: MemoryBus;
  let sums: Sums;
  let app: INestMicroservice | undefined;

  beforeEach(async () => {
    caught.length = 0;
    server = new MemoryServer();
    bus = new MemoryBus({ server, name: 'sums' });
    asker = new MemoryBus({ server, name: 'asker' });
    if (how === 'Nest') {
      const strategy = new JetStreamTransport({ bus, graceMs: 1_000 });
      app = await NestFactory.createMicroservice(SumsModule, { strategy, logger: false });
      await app.listen();
      sums = app.get(Sums);
    } else {
      sums = new Sums();
      await connectHandlers(bus, new Subscriptions(sums));
    }
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await bus.drain(0);
    await asker.drain(0);
  });

  it('get their messages, injected and parsed, and answer what they return', async () => {
    expect(await asker.ask(someMessage(subjectOf(numbers), 3), 5_000)).toEqual({
      ok: true,
      sum: 3,
    });
    expect(sums.seen).toEqual([3]);
  });

  it('get a message again that they threw at', async () => {
    expect(await asker.ask(someMessage(subjectOf(numbers), 2), 5_000)).toEqual({
      ok: true,
      sum: 2,
    });
  });

  it('keep the kind of an error that they throw', async () => {
    const answer = await asker.ask(someMessage(subjectOf(numbers), 13), 5_000);
    expect(answer).toMatchObject({ ok: false, error: { code: 'unlucky', message: 'thirteen' } });
    const [letter] = await asker.deadLetters.list();
    expect(letter).toMatchObject({ reason: 'rejected', error: { name: 'TerminalError' } });
  });

  it('answer queries with progress and errors', async () => {
    const seen: unknown[] = [];
    const asked = { onProgress: (state: unknown) => seen.push(state) };
    const answer = await asker.query('writ.query.sums.total', 'how many', asked);
    expect(answer).toEqual({ question: 'how many', count: 0 });
    expect(seen).toEqual(['counting']);
    const bad = asker.query('writ.query.sums.total', 'bad');
    await expect(bad).rejects.toMatchObject({ code: 'bad_question' });
  });

  it('are not acknowledged by a filter that swallows their errors', async () => {
    await asker.send(someMessage(subjectOf(filtered), 7));
    await eventually(() => sums.seen.length === 1, { what: 'the third delivery' });
    if (how === 'Nest') {
      expect(caught.map((error) => (error as Error).message)).toEqual(['failure 1', 'failure 2']);
      expect(caught[0]).toBeInstanceOf(ReactionFailed);
    }
  });

  it('that a guard of Nest keeps from their message have not handled it', async () => {
    const said = async (consumer: ConsumerDefinition) => {
      const answer = await asker.ask(someMessage(subjectOf(consumer), 1), 5_000);
      expect(answer).toMatchObject({ ok: false, error: { code: 'exhausted' } });
      return (answer as { error: { message: string } }).error.message;
    };
    expect(await said(guarded)).toMatch(how === 'Nest' ? /Forbidden/ : /never called/);
    expect(await said(silenced)).toMatch(how === 'Nest' ? /answered in place/ : /never called/);
  });

  it('can be called directly, like any method', async () => {
    const subscriptions = new Subscriptions(new Sums());
    const message = { data: 13, deliveryCount: 1 } as Incoming<number>;
    await expect(subscriptions.add(message)).rejects.toThrow(TerminalError);
  });
});

describe('the transport', () => {
  it('drains its bus when Nest closes', async () => {
    const bus = new MemoryBus();
    const strategy = new JetStreamTransport({ bus, graceMs: 100 });
    const app = await NestFactory.createMicroservice(SumsModule, { strategy, logger: false });
    await app.listen();
    expect(strategy.unwrap()).toBe(bus);
    await app.close();
    expect(bus.health().ok).toBe(false);
  });

  it('refuses a handler that names no consumer, and two for one', async () => {
    class Plain {
      handle(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Plain.prototype, 'handle')!;
    EventPattern('some.subject')(Plain.prototype, 'handle', descriptor);
    Controller()(Plain);
    class PlainModule {}
    Module({ controllers: [Plain] })(PlainModule);
    const strategy = new JetStreamTransport({ bus: new MemoryBus(), graceMs: 0 });
    const app = await NestFactory.createMicroservice(PlainModule, { strategy, logger: false });
    await expect(app.listen()).rejects.toThrow(/use @Hears or @Answers/);

    class Twice {
      async one(): Promise<void> {}
      async two(): Promise<void> {}
    }
    for (const method of ['one', 'two'] as const) {
      const its = Object.getOwnPropertyDescriptor(Twice.prototype, method)!;
      Hears(numbers, options)(Twice.prototype, method, its);
      Object.defineProperty(Twice.prototype, method, its);
    }
    Controller()(Twice);
    class TwiceModule {}
    Module({ controllers: [Twice] })(TwiceModule);
    const other = new JetStreamTransport({ bus: new MemoryBus(), graceMs: 0 });
    const both = await NestFactory.createMicroservice(TwiceModule, {
      strategy: other,
      logger: false,
    });
    await expect(both.listen()).rejects.toThrow(/two methods hear/);
  });

  it('refuses an object that declares nothing', async () => {
    const nothing = connectHandlers(new MemoryBus(), new Sums());
    await expect(nothing).rejects.toThrow(/Sums has no method/);
  });
});
