/** Writes the generated documents into docs/: `node services/gateway/dist/documents/write-documents.js`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { asyncApiDocument } from './asyncapi';
import { openApiDocument } from './openapi';
import { subjectsPage } from './subjects-page';

const DOCS = join(__dirname, '..', '..', '..', '..', 'docs');

/** File name in docs/ and what it must hold. */
export function generatedDocuments(): Record<string, string> {
  return {
    'asyncapi.json': `${JSON.stringify(asyncApiDocument(), null, 2)}\n`,
    'openapi.json': `${JSON.stringify(openApiDocument(), null, 2)}\n`,
    'SUBJECTS.md': subjectsPage(),
  };
}

export const documentPath = (name: string): string => join(DOCS, name);

if (require.main === module) {
  mkdirSync(DOCS, { recursive: true });
  for (const [name, text] of Object.entries(generatedDocuments())) {
    writeFileSync(documentPath(name), text);
    console.log(`docs/${name}`);
  }
}
