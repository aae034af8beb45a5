export {
  ContentCorrupt,
  ContentError,
  type ContentErrorCode,
  ContentNotFound,
  type ContentStore,
  ContentTooLarge,
  digestOf,
  type PutOptions,
  type ReadRange,
  type StoredContent,
} from './content-store';
export { openFolderStore } from './folder-store';
export { layeredStore, type LayeredOptions } from './layered-store';
export { type MemoryStore, openMemoryStore } from './memory-store';
export { openPostgresStore, type PostgresStoreOptions } from './postgres-store';
