import { NestFactory } from '@nestjs/core';
import { Parser } from '@asyncapi/parser';
import { directiveCommands, eventSubject, queries, subjects } from '@writ/contracts';
import { MemoryBus } from '@writ/messaging';
import { createLogger, createRegistry } from '@writ/observability';
import Ajv2020 from 'ajv/dist/2020';
import type { Express } from 'express';
import { readFileSync } from 'node:fs';

import { AppModule } from '../app.module';
import { Door } from '../http/door';
import { routes } from '../routes';
import { asyncApiDocument, channelTable, eventAggregates } from './asyncapi';
import { openApiDocument } from './openapi';
import { documentPath, generatedDocuments } from './write-documents';

interface Operation {
  responses: Record<string, { content: Record<string, { schema?: object }> }>;
  requestBody?: { content: Record<string, { schema?: object }> };
  parameters?: { name: string; in: string; schema: object }[];
}
const openApi = openApiDocument() as unknown as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test.each(Object.entries(generatedDocuments()))(
  'docs/%s is what the schemas say (else: node services/gateway/dist/documents/write-documents.js)',
  (name, text) => {
    expect(readFileSync(documentPath(name), 'utf8')).toBe(text);
  },
);

test('what the server answers is what the OpenAPI document lists, no more and no less', async () => {
  const bus = new MemoryBus();
  const logger = createLogger({ service: 'gateway', instance: 'spec', level: 'silent' });
  const registry = createRegistry('gateway', '0.0.0');
  const parts = { bus, deadLetters: bus.deadLetters, logger, registry };
  const app = await NestFactory.create(AppModule.of(parts, new Door()), {
    logger: false,
    bodyParser: false,
  });
  await app.init();
  const { router } = app.getHttpAdapter().getInstance() as Express;
  const served = router.stack.flatMap(({ route }) =>
    route === undefined
      ? []
      : route.stack.map(
          ({ method }) => `${method} ${String(route.path).replace(/:(\w+)/g, '{$1}')}`,
        ),
  );
  await app.close();
  const ofEveryService = ['get /healthz', 'get /readyz', 'get /metrics'];
  const listed = operations.map(({ method, path }) => `${method} ${path}`);
  expect(served.filter((it) => !ofEveryService.includes(it)).sort()).toEqual(listed.sort());
});

test('every schema in the OpenAPI document is a JSON schema', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schemas = operations.flatMap(({ operation }) => [
    ...Object.values(operation.responses).flatMap(({ content }) => Object.values(content)),
    ...Object.values(operation.requestBody?.content ?? {}),
    ...(operation.parameters ?? []),
  ]);
  for (const { schema } of schemas) {
    if (schema === undefined || '$ref' in schema) continue;
    expect(() => ajv.compile(schema)).not.toThrow();
  }
});

test('every parameter of a path is described', () => {
  for (const { path, operation } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const described = operation.parameters?.filter((it) => it.in === 'path').map((it) => it.name);
    expect(described ?? []).toEqual(named);
  }
});

test('every POST wants an Idempotency-Key', () => {
  const posts = Object.values(routes).filter(({ method }) => method === 'post');
  expect(posts.every((route) => 'idempotent' in route)).toBe(true);
});

test('the AsyncAPI document is one, in the eyes of its own parser', async () => {
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument()));
  const errors = diagnostics.filter(({ severity }) => severity === 0);
  expect(errors.map(({ message, path }) => `${path.join('/')}: ${message}`)).toEqual([]);
  expect(document?.channels().length).toBe(channelTable().length + 1);
}, 60_000);

test('the AsyncAPI document has every command, event and query', () => {
  const addresses = channelTable().map(({ address }) => address);
  for (const verb of Object.keys(directiveCommands)) {
    expect(addresses).toContain(subjects.command(verb));
  }
  for (const [aggregate, { schemas }] of Object.entries(eventAggregates)) {
    for (const type of Object.keys(schemas)) {
      expect(addresses).toContain(eventSubject(`${aggregate}-{id}`, type));
    }
  }
  for (const { service, name } of Object.values(queries)) {
    expect(addresses).toContain(subjects.query(service, name));
  }
});
