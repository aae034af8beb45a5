/** The version that a process of this build says it has. */
export const VERSION = (require('../package.json') as { version: string }).version;
