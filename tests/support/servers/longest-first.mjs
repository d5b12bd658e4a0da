import { readFileSync } from 'node:fs';
import path from 'node:path';
import sequencer from '@jest/test-sequencer';

// Its types tell of CommonJS; an ES module gets the class itself.
const TestSequencer = /** @type {typeof sequencer.default} */ (/** @type {unknown} */ (sequencer));
/** @typedef {Parameters<InstanceType<typeof TestSequencer>['sort']>[0]} Tests */
/** @type {string[]} */
const names = JSON.parse(readFileSync(new URL('./long-files.json', import.meta.url), 'utf8'));
const places = new Map(names.map((name, place) => [name, place]));

/**
 * Begins with the files of `long-files.json`, which take longest, so that none of them is left when all others have ended:
 * on a machine that has run no test yet, jest knows nothing but sizes. The order of the rest is jest's own.
 */
// oxlint-disable-next-line import/no-default-export -- jest wants its sequencers so
export default class LongestFirst extends TestSequencer {
  /** @override @param {Tests} tests */
  async sort(tests) {
    const placeOf = (/** @type {Tests[number]} */ { context, path: file }) =>
      places.get(path.relative(context.config.rootDir, file)) ?? places.size;
    return (await super.sort([...tests])).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
