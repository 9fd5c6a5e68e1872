#!/usr/bin/env node
// Stands here, not in dist, so that `npm ci` can link it before the first build.
import '../dist/main.js';
