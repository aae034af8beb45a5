// Puts a process of ours and all that it loads into one file, from the build: `node bundle.mjs` in the
// folder of a service writes `bundle/main.js`. Finding and reading some 1,500 files is most of what the
// start of a process takes. Names stay as they are written, so that errors tell where they come from.
import { build } from 'esbuild';

/** Nest and TypeORM ask for much that is only there for who uses it. */
const whatIsNotInstalled = {
  name: 'what is not installed',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, kind, ...from }) => {
      if (pluginData === 'asked already' || kind === 'entry-point') return undefined;
      // Ours is always there; where it is not, its build is missing, and that is an error.
      if (path.startsWith('@writ/')) return undefined;
      const { errors } = await resolve(path, { ...from, kind, pluginData: 'asked already' });
      return errors.length === 0 ? undefined : { path, external: true };
    });
  },
};

await build({
  entryPoints: ['dist/main.js'],
  outfile: 'bundle/main.js',
  bundle: true,
  platform: 'node',
  target: 'node20',
  plugins: [whatIsNotInstalled],
  logLevel: 'warning',
});
