import { join } from 'node:path';

/** What the page loads; beside the build, of one file or of many. */
export const PAGE_FOLDER = join(__dirname, '..', 'page');
