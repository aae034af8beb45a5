/**
 * Runs a program of ours from its sources: `node .config/from-sources.cjs services/verifier/src/main.ts`.
 * For tests that need a process to kill. Packages are found by name as in tests, so no build is
 * needed and none can be stale.
 */
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { join, resolve } = require('node:path');
const { transformSync } = require('@swc/core');
const { moduleNameMapper } = require('./jest.config.cjs');
const { jsc, module: format } = require('./swcrc.json');

const root = resolve(__dirname, '..');
const packages = Object.entries(moduleNameMapper).map(([form, path]) => [new RegExp(form), path]);

const find = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => {
  const [form, path] = packages.find(([it]) => it.test(name)) ?? [];
  return form ? name.replace(form, path).replace('<rootDir>', root) : find(name, ...rest);
};

Module._extensions['.ts'] = (module, filename) => {
  const options = { filename, swcrc: false, jsc, module: format, sourceMaps: 'inline' };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

require(join(root, process.argv[2]));
