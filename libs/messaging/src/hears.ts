/**
 * The decorators of a service's table of subscriptions: `@Hears` a consumer, `@Answers` a query. A
 * class that carries them is an ordinary Nest controller under `JetStreamTransport`, and an ordinary
 * object under `connectHandlers`, over any bus.
 */
import 'reflect-metadata';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { subjects } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import type { Bus, ConsumeOptions, Incoming, Reaction, Subscription } from './bus';
import { recordCalls } from './call-record';

/** The transport of Nest that these handlers belong to. */
export const JETSTREAM = Symbol('writ:jetstream');

const DECLARED = Symbol('writ:subscriptions');

/** What one method hears or answers. */
export type Declaration =
  | {
      readonly kind: 'hears';
      readonly method: string;
      readonly consumer: ConsumerDefinition;
      readonly options: ConsumeOptions<unknown>;
    }
  | { readonly kind: 'answers'; readonly method: string; readonly subject: string };

/** The method takes the consumer's messages; what it returns answers a command. */
export function Hears<T>(consumer: ConsumerDefinition, options: ConsumeOptions<T>) {
  return <M extends (message: Incoming<T>) => Promise<unknown>>(
    target: object,
    method: string,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const declaration: Declaration = { kind: 'hears', method, consumer, options };
    declare(target, declaration);
    recordCalls(descriptor, 0);
    EventPattern(consumer.name, JETSTREAM, { declaration })(target, method, descriptor);
  };
}

/** The method answers `writ.query.<service>.<name>`: it gets the question, and a sign of progress. */
export function Answers(service: string, name: string) {
  return <M extends (question: never, progress: (state: unknown) => void) => Promise<unknown>>(
    target: object,
    method: string,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const subject = subjects.query(service, name);
    const declaration: Declaration = { kind: 'answers', method, subject };
    declare(target, declaration);
    recordCalls(descriptor, 1);
    MessagePattern(subject, JETSTREAM, { declaration })(target, method, descriptor);
    // Nest hands on only what parameters ask for.
    Payload()(target, method, 0);
    Ctx()(target, method, 1);
  };
}

/**
 * Registers the decorated methods of an object with a bus, without Nest: for tests, the simulator,
 * and processes that are no Nest application. Closing what is returned closes them all.
 */
export async function connectHandlers(bus: Bus, instance: object): Promise<Subscription> {
  const declared = (Reflect.getMetadata(DECLARED, instance) ?? []) as Declaration[];
  if (declared.length === 0) {
    throw new Error(`${instance.constructor.name} has no method with @Hears or @Answers`);
  }
  const methods = instance as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const opened: Subscription[] = [];
  for (const declaration of declared) {
    const call = (...args: unknown[]) => methods[declaration.method]!(...args);
    opened.push(await register(bus, declaration, call));
  }
  return {
    close: async () => {
      await Promise.all(opened.map((subscription) => subscription.close()));
    },
  };
}

/** Hands one declared method to a bus. */
export function register(
  bus: Bus,
  declaration: Declaration,
  call: (...args: unknown[]) => Promise<unknown>,
): Promise<Subscription> {
  if (declaration.kind === 'answers') return bus.answer(declaration.subject, call);
  return bus.consume(declaration.consumer, declaration.options, call as Reaction);
}

function declare(target: object, declaration: Declaration): void {
  const before = (Reflect.getMetadata(DECLARED, target) ?? []) as Declaration[];
  Reflect.defineMetadata(DECLARED, [...before, declaration], target);
}
