import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { queries } from '@writ/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { Backend } from '../backend';
import { EventFeed, type EventPage } from '../event-feed';
import { Problem, sendProblem } from '../http/problem';
import { asProblem } from '../http/problem-filter';
import { requestIdOf } from '../http/request-id';
import { checked, named, Serves } from '../http/serves';
import { wantsStream } from '../http/sse-stream';
import { OpenStreams } from '../open-streams';
import { routes } from '../routes';

interface Page {
  after?: number;
  limit?: number;
}

@Controller()
export class EventsController {
  constructor(
    @Inject(Backend) private readonly backend: Backend,
    @Inject(EventFeed) private readonly feed: EventFeed,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {}

  @Serves(routes.events)
  async events(
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
    @Query(checked(routes.events.query)) page: Page,
  ) {
    await this.answer(request, response, page);
  }

  @Serves(routes.directiveEvents)
  async directiveEvents(
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
    @Param(named(routes.directiveEvents.params)) { id }: { id: string },
    @Query(checked(routes.directiveEvents.query)) page: Page,
  ) {
    await this.answer(request, response, page, id);
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    page: Page,
    directiveId?: string,
  ): Promise<void> {
    if (wantsStream(request)) return this.follow(request, response, page, directiveId);
    const of = directiveId === undefined ? {} : { directiveId };
    const events = (await this.backend.query(queries.events, { ...page, ...of })) as EventPage;
    if (events.events.length === 0) await this.mustExist(directiveId);
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(events));
  }

  /** Throws not_found; nothing happening is not the same as nothing there. */
  private async mustExist(directiveId: string | undefined): Promise<void> {
    if (directiveId !== undefined) await this.backend.query(queries.directive, { id: directiveId });
  }

  private async follow(
    request: IncomingMessage,
    response: ServerResponse,
    { after = 0 }: Page,
    directiveId?: string,
  ): Promise<void> {
    const from = lastEventId(request) ?? after;
    if (from === 0) await this.mustExist(directiveId);
    const stream = this.streams.open(request, response);
    try {
      await this.feed.follow(this.streams.follower(stream), from, directiveId);
    } catch (error) {
      // The status has gone out; the client comes back with its last id and is told then.
      sendProblem(response, asProblem(error), requestIdOf(response));
    }
  }
}

/** What the browser sends by itself when it comes back. */
function lastEventId(request: IncomingMessage): number | undefined {
  const value = request.headers['last-event-id'];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw new Problem('malformed', 'the header Last-Event-ID must be a position');
}
