import { ParserPool } from '../../../../providers/parsers/sandbox/parser-pool.ts';

// A worker that starts a parse which never ends; its test kills it and looks for what is left.
const findParserUrl = new URL('hostile-parsers.ts', import.meta.url).href;
const pool = new ParserPool({ memoryBytes: 512 * 1024 ** 2, timeoutMs: 600_000, processes: 2, findParserUrl });
const limits = { outputCharacters: 1000, unpackedBytes: 1000, archiveMembers: 10 };
const request = { claimed: null, name: null, charset: null, password: null, limits };
const never = new AbortController().signal;
const run = (deed: string) => pool.parse({ bytes: Buffer.from(`${deed}\n`), request }, never);

await Promise.all([run('nothing'), run('nothing')]);
const stuck = [run('loop for ever'), run('wait for ever')];
process.stdout.write('started\n');
await Promise.all(stuck);
