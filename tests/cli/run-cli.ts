import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { main } from '../../cli/main.ts';
import { Terminal } from '../../cli/terminal.ts';

/** What a command wrote, and its exit code. */
export interface CliRun {
  code: number;
  out: string;
  err: string;
}

const checkout = path.resolve(import.meta.dirname, '../..');

/**
 * Runs a command in this process, against `url`, in a home of its own; `tty` makes standard output a terminal; `hear` is
 * given all notes so far with each that comes.
 */
export async function runCli(
  args: string[],
  {
    url = '',
    key = 'pk_test',
    tty = false,
    signal,
    input = '',
    hear = () => {},
  }: {
    url?: string;
    key?: string;
    tty?: boolean;
    signal?: AbortSignal;
    input?: string | Readable;
    hear?: (notes: string) => void;
  } = {},
): Promise<CliRun> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'perdure-cli-'));
  const [out, err] = [sink(tty), sink(false, hear)];
  try {
    const env = { PERDURE_URL: url, PERDURE_API_KEY: key, PERDURE_HOME: home };
    const terminal = new Terminal(out.stream, err.stream);
    const code = await main({
      args,
      env,
      checkout,
      terminal,
      input: typeof input === 'string' ? Readable.from([input]) : input,
      signal: signal ?? new AbortController().signal,
    });
    return { code, out: out.text(), err: err.text() };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function sink(isTTY: boolean, hear: (text: string) => void = () => {}) {
  let text = '';
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString('utf8');
        hear(text);
        done();
      },
    }),
    { isTTY, columns: 40 },
  );
  return { stream, text: () => text };
}
