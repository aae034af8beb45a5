/**
 * How a decorated method ended, as the method itself did it. Nest's filters and interceptors may
 * answer in place of a method that threw, and its last filter replaces the error; whether a message
 * is acknowledged must not depend on that. Outside the transport nothing is recorded.
 */
import { IntrinsicException } from '@nestjs/common';

export type CallRecord =
  | { readonly state: 'open' }
  | { readonly state: 'returned' }
  | { readonly state: 'threw'; readonly error: unknown };

/** What Nest sees of a failed reaction; `cause` is the error. Nest does not log this kind itself. */
export class ReactionFailed extends IntrinsicException {
  constructor(override readonly cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.name = 'ReactionFailed';
  }
}

const records = new WeakMap<object, CallRecord>();

/** From now on the call that gets this very object is recorded. */
export function openRecord(argument: object): void {
  records.set(argument, { state: 'open' });
}

export function recordOf(argument: object): CallRecord {
  return records.get(argument) ?? { state: 'open' };
}

type Method = (this: unknown, ...args: never[]) => unknown;

/** Makes a method record its calls, by the argument at `index`. Keeps its metadata and its name. */
export function recordCalls(descriptor: PropertyDescriptor, index: number): void {
  const method = descriptor.value as Method;
  const recording = async function (this: unknown, ...args: never[]): Promise<unknown> {
    const key: unknown = args[index];
    if (key === null || key === undefined || !records.has(key)) return method.apply(this, args);
    try {
      const value = await method.apply(this, args);
      records.set(key, { state: 'returned' });
      return value;
    } catch (error) {
      records.set(key, { state: 'threw', error });
      throw new ReactionFailed(error);
    }
  };
  Object.defineProperty(recording, 'name', { value: method.name });
  for (const name of Reflect.getMetadataKeys(method) as string[]) {
    Reflect.defineMetadata(name, Reflect.getMetadata(name, method), recording);
  }
  descriptor.value = recording;
}
