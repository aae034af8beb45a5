import { Body, Controller, Inject, Param, Query, Req } from '@nestjs/common';
import { DeadLetters, type KeptLetter } from '@writ/messaging';
import type { IncomingMessage } from 'node:http';

import { idempotencyKeyOf } from '../http/idempotency-key';
import { Problem } from '../http/problem';
import { checked, named, Serves } from '../http/serves';
import { routes } from '../routes';

type Id = { id: string };

@Controller()
export class DeadLettersController {
  constructor(@Inject(DeadLetters) private readonly letters: DeadLetters) {}

  @Serves(routes.listDeadLetters)
  async list(@Query(checked(routes.listDeadLetters.query)) query: { limit?: number }) {
    const letters = await this.letters.list(query);
    return letters.map(withoutOriginal);
  }

  @Serves(routes.deadLetter)
  async show(
    @Param(named(routes.deadLetter.params)) { id }: Id,
    @Query(checked(routes.deadLetter.query)) _: object,
  ) {
    const letter = await this.letters.find(id);
    if (letter === undefined) throw new Problem('not_found', `there is no dead letter ${id}`);
    return letter;
  }

  /** It leaves the dead letters once its original is stored again; a repeat finds it gone. */
  @Serves(routes.replayDeadLetter)
  async replay(
    @Req() request: IncomingMessage,
    @Param(named(routes.replayDeadLetter.params)) { id }: Id,
    @Body(checked(routes.replayDeadLetter.body)) _: object,
  ) {
    idempotencyKeyOf(request);
    const letter = await this.letters.replay(id);
    return { id: letter.id, subject: letter.subject };
  }
}

function withoutOriginal(letter: KeptLetter) {
  const { headers: _, bodyBase64: __, ...rest } = letter;
  return rest;
}
