/** `/healthz`: the process lives. `/readyz`: it can work now. `/metrics`: for Prometheus. */
import type { ServerResponse } from 'node:http';
import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Readiness, type ReadinessReport } from './readiness';
import { scrape } from './scrape';

/** The name of the service that answers. */
export const SERVICE = Symbol('service');

@Controller()
export class HealthController {
  constructor(
    @Inject(SERVICE) private readonly service: string,
    @Inject(Registry) private readonly registry: Registry,
    @Inject(Readiness) private readonly readiness: Readiness,
  ) {}

  /** Never asks database or bus: a process that only waits for them must not be restarted. */
  @Get('healthz')
  @Header('cache-control', 'no-store')
  alive(): { status: 'alive'; service: string } {
    return { status: 'alive', service: this.service };
  }

  /** 200, or 503 naming what is not ready. */
  @Get('readyz')
  @Header('cache-control', 'no-store')
  async ready(@Res({ passthrough: true }) response: ServerResponse): Promise<ReadinessReport> {
    const report = await this.readiness.report();
    if (report.status !== 'ready') response.statusCode = 503;
    return report;
  }

  @Get('metrics')
  async metrics(@Res({ passthrough: true }) response: ServerResponse): Promise<string> {
    response.setHeader('content-type', this.registry.contentType);
    return scrape(this.registry);
  }
}
