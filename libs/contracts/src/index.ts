export * from './canonical-json';
export * from './envelope';
export * from './errors';
export * from './subjects';
