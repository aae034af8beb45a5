#!/usr/bin/env node
// The installed name of the command line; it stands outside the build, so that npm can link it early.
require('../dist/main.js');
