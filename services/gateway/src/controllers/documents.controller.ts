import { Controller } from '@nestjs/common';

import { asyncApiDocument } from '../documents/asyncapi';
import { openApiDocument } from '../documents/openapi';
import { Serves } from '../http/serves';
import { routes } from '../routes';

@Controller()
export class DocumentsController {
  @Serves(routes.openApi)
  openApi(): object {
    return openApiDocument();
  }

  @Serves(routes.asyncApi)
  asyncApi(): object {
    return asyncApiDocument();
  }
}
