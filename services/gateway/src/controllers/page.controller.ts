import { Controller, Inject, Query, Res } from '@nestjs/common';
import { type DirectiveDocument, type DirectiveSummary, queries } from '@writ/contracts';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';

import { Backend } from '../backend';
import { named, Serves } from '../http/serves';
import { PAGE_FOLDER } from '../page-folder';
import { directivePage, listPage } from '../page/render-page';
import { routes } from '../routes';

const LISTED = 100;
const shown = named(routes.page.query);

@Controller()
export class PageController {
  private readonly script = readFileSync(join(PAGE_FOLDER, 'page.js'), 'utf8');
  private readonly style = readFileSync(join(PAGE_FOLDER, 'page.css'), 'utf8');

  constructor(@Inject(Backend) private readonly backend: Backend) {}

  /** The query is read here, when it is known that what goes wrong is to be a page too. */
  @Serves(routes.page)
  async page(
    @Query() query: unknown,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<string> {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    const { directive: id } = shown.transform(query) as { directive?: string };
    if (id === undefined) {
      const directives = await this.backend.query(queries.directives, { limit: LISTED });
      return listPage(directives as DirectiveSummary[]);
    }
    const directive = await this.backend.query(queries.directive, { id });
    return directivePage(directive as DirectiveDocument);
  }

  @Serves(routes.pageScript)
  pageScript(@Res({ passthrough: true }) response: ServerResponse): string {
    response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
    return this.script;
  }

  @Serves(routes.pageStyle)
  pageStyle(@Res({ passthrough: true }) response: ServerResponse): string {
    response.setHeader('Content-Type', 'text/css; charset=utf-8');
    return this.style;
  }
}
