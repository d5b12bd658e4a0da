import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import net from 'node:net';
import { ParserPool } from '../../../../providers/parsers/sandbox/parser-pool.ts';

const findParserUrl = new URL('hostile-parsers.ts', import.meta.url).href;
const limits = { outputCharacters: 1_000_000, unpackedBytes: 1_000_000, archiveMembers: 100 };
const memoryBytes = 192 * 1024 ** 2;
const pool = new ParserPool({ memoryBytes, timeoutMs: 20_000, processes: 1, findParserUrl });
const hurried = new ParserPool({ memoryBytes, timeoutMs: 1000, processes: 1, findParserUrl });
const never = new AbortController().signal;
const server = net.createServer((socket) => socket.end());
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as net.AddressInfo).port;
});

afterAll(async () => {
  await Promise.all([pool.close(), hurried.close()]);
  server.close();
});

async function run(deed: string, signal = never, parsers = pool): Promise<string> {
  const request = { claimed: null, name: null, charset: null, password: null, limits };
  try {
    return (await parsers.parse({ bytes: Buffer.from(`${deed}\n${port}`), request }, signal)).text;
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
}

describe('a parser process', () => {
  test.each([
    'connect a socket', 'connect by a socket of its own', 'connect with TLS', 'ask by HTTP', 'fetch', 'open a web socket',
    'listen', 'send a datagram', 'look a name up', 'ask a name server',
  ])('does not %s', async (deed) => {
    expect(await run(deed)).toMatch(/^document_corrupt: .*(?:may not reach the network|refused)/);
  }); // prettier-ignore

  test.each([
    'read a file', 'read the environment of a process', 'read settings beside the code', 'write a file',
    'write beside itself', 'open a database file', 'start a process', 'start a thread', 'kill the worker',
    'speak to the worker', 'load native code', 'reach internals', 'write a report', 'write a snapshot', 'load settings',
  ])('does not %s', async (deed) => {
    expect(await run(deed)).toMatch(/^document_corrupt: .*(?:restricted|may not|disabled|denied|No such built-in|process\.binding)/i);
  }); // prettier-ignore

  test('has an empty environment', async () => {
    expect(await run('show its environment')).toBe('done: ');
  });
});

describe('a parser that misbehaves fails its document alone', () => {
  test.each([
    ['fill the heap', 'parser_out_of_memory'],
    ['fill the memory', 'parser_out_of_memory'],
    ['print without end', 'parser_output_too_large'],
    ['write too much', 'parser_output_too_large'],
    ['exit', 'parser_crashed'],
    ['abort', 'parser_crashed'],
    ['fail later', 'parser_crashed'],
    ['recurse', 'document_corrupt'],
    ['throw', 'document_corrupt'],
  ])('%s: %s', async (deed, code) => {
    expect(await run(deed)).toMatch(new RegExp(`^${code}: `));
    expect(await run('nothing')).toBe('done: fine');
  });

  test.each(['loop for ever', 'wait for ever'])('%s: parser_timeout', async (deed) => {
    expect(await run(deed, never, hurried)).toMatch(/^parser_timeout: /);
    expect(await run('nothing', never, hurried)).toBe('done: fine');
  });

  test('a cancelled parse ends at once, and so does one that waits for its turn', async () => {
    const cancel = new AbortController();
    const looping = run('loop for ever', cancel.signal);
    const waiting = run('loop for ever', cancel.signal);
    const next = run('nothing');
    cancel.abort(new Error('cancelled'));
    expect(await looping).toContain('cancelled');
    expect(await waiting).toContain('cancelled');
    expect(await next).toBe('done: fine');
  });
});
