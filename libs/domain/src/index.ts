export * from './decider';
export * from './directive';
export * from './directive-documents';
export * from './directive-state';
export * from './directive-work';
export * from './planning';
export * from './variables';
