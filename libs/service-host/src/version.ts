/** The version of this build, as manifests and metrics name it. */
export const version: string = (require('../package.json') as { version: string }).version;
