import { parseArgs } from 'node:util';

/** What a benchmark may be told on the command line; most need none of it. */
export interface BenchOptions {
  /** Known sets, and folders of the same form. */
  set: string[];
  dir: string[];
  /** ISO 639-1 code of the set's language; null where the product is to detect it. */
  language: string | null;
  /** Folder in which what was built is kept for the next run. */
  home: string | null;
  /** Fields that go with every search, such as `{"fusion":{"method":"rrf"}}`. */
  search: Record<string, unknown>;
  /** Whether to watch ingestion into a growing database. */
  growth: boolean;
  /** Where to write a picture of the growth. */
  plot: string | null;
  /** Whether to measure other libraries and servers on the same work as well (bench/peers). */
  peers: boolean;
  /** Whether to measure what thousands of conversations hold that rest. */
  idle: boolean;
  /** Turns of the long conversation; the benchmark's own number when left out. */
  turns?: number;
  /** Share of the usual amount of data, for trying. */
  scale?: number;
  json: boolean;
  /** Whether what is not as expected is an error. */
  check: boolean;
}

/** Reads `NAME [options]`. Throws where an option is unknown or `--search` is no JSON object. */
export function readBenchOptions(args: readonly string[]): { name: string; options: BenchOptions } {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      idle: { type: 'boolean', default: false },
      set: { type: 'string', multiple: true, default: [] },
      dir: { type: 'string', multiple: true, default: [] },
      language: { type: 'string' },
      home: { type: 'string' },
      plot: { type: 'string' },
      turns: { type: 'string' },
      scale: { type: 'string' },
      search: { type: 'string', default: '{}' },
    },
  });
  const [name = '', ...others] = positionals;
  if (others.length > 0) throw new Error(`One benchmark at a time: "${others[0]}" is one too many.`);
  const { set, dir, language = null, home = null, plot = null, json, check, growth, peers, idle } = values;
  const search = JSON.parse(values.search) as Record<string, unknown>;
  const turns = values.turns === undefined ? {} : { turns: readTurns(values.turns) };
  const scale = values.scale === undefined ? {} : { scale: readScale(values.scale) };
  const flags = { json, check, growth, peers, idle };
  return { name, options: { set, dir, language, home, search, plot, ...flags, ...turns, ...scale } };
}

function readTurns(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new Error(`--turns must be a number of turns, not "${value}".`);
  return Number(value);
}

function readScale(value: string): number {
  const scale = Number(value);
  if (!(scale > 0 && scale <= 100)) throw new Error(`--scale must be a number above 0, not "${value}".`);
  return scale;
}
