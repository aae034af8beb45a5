import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createRegistry } from './metrics';
import { ObservabilityModule } from './observability.module';

@Controller('v1')
class ThingsController {
  @Get('things/:id')
  thing() {
    return { ok: true };
  }
}

const answers = { database: true, bus: true };
let app: INestApplication;
let origin: string;

beforeAll(async () => {
  const registry = createRegistry('planner', '1.2.3');
  @Module({
    imports: [
      ObservabilityModule.forRoot({
        service: 'planner',
        registry,
        checks: {
          database: async () => {
            if (!answers.database) throw new Error('connection refused');
          },
          bus: () => ({ ok: answers.bus, detail: answers.bus ? 'connected' : 'loop stands still' }),
        },
      }),
    ],
    controllers: [ThingsController],
  })
  class AppModule {}
  app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(() => app.close());
beforeEach(() => Object.assign(answers, { database: true, bus: true }));

const get = (path: string) => fetch(`${origin}${path}`);

test('a process is alive whatever it waits for', async () => {
  answers.database = false;
  const response = await get('/healthz');
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: 'alive', service: 'planner' });
});

test('it is ready when every check says so', async () => {
  const response = await get('/readyz');
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({
    status: 'ready',
    notReady: [],
    checks: { database: { ok: true, detail: 'ok' }, bus: { ok: true, detail: 'connected' } },
  });
});

test('it is not ready when one check says no, and says which and why', async () => {
  answers.database = false;
  answers.bus = false;
  const response = await get('/readyz');
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    status: 'not ready',
    notReady: ['database', 'bus'],
    checks: {
      database: { ok: false, detail: 'connection refused' },
      bus: { ok: false, detail: 'loop stands still' },
    },
  });
});

test('requests are measured by route pattern, never by path', async () => {
  await get('/v1/things/of-anna');
  await get('/no/such/place/of-anna');
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain;.*version=0\.0\.4/);
  const text = await response.text();
  expect(text).toContain(
    'writ_http_request_seconds_count{method="GET",route="/v1/things/:id",status="2xx"} 1',
  );
  expect(text).toContain(
    'writ_http_request_seconds_count{method="GET",route="unmatched",status="4xx"} 1',
  );
  expect(text).not.toContain('anna');
  expect(text).toContain('writ_build_info{service="planner",version="1.2.3"} 1');
  expect(text).toContain('nodejs_eventloop_lag_seconds');
  expect(text).toContain('writ_ready{check="bus"} 1');
});
