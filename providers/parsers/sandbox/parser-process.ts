import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { PerdureError } from '../../../contracts/errors.ts';
import type { findParser as FindParser } from '../find-parser.ts';
import { closeExits } from './close-exits.ts';
import type { ParseCommand, ParserProcessSettings, ParserReply } from './parser-messages.ts';

// The entry of a parser process: one document after the other, until the channel to the worker closes.
const { findParserUrl, memoryBytes } = JSON.parse(process.argv[2] ?? '') as ParserProcessSettings;
const send = process.send!.bind(process) as (reply: ParserReply) => boolean;

const watch = new Worker(new URL('watch-process.ts', import.meta.url), {
  workerData: { memoryBytes },
  resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
});
await once(watch, 'online');
watch.unref();
closeExits();

const { findParser } = (await import(findParserUrl)) as { findParser: typeof FindParser };
const { parseDocument } = await import('../parse-document.ts');

process.on('disconnect', () => process.exit(0));
process.on('message', (command: ParseCommand) => {
  void answer(command).then(send);
});
send({ kind: 'ready' });

async function answer({ bytes, request }: ParseCommand): Promise<ParserReply> {
  try {
    const document = await parseDocument(new Uint8Array(bytes), request, findParser);
    return { kind: 'parsed', document, residentBytes: process.memoryUsage.rss() };
  } catch (error) {
    return { kind: 'failed', ...describe(error), residentBytes: process.memoryUsage.rss() };
  }
}

function describe(error: unknown): { code: PerdureError['code']; detail: string } {
  if (error instanceof PerdureError) return { code: error.code, detail: error.detail };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && /allocation|string length|typed array length|array length/i.test(message)) {
    return {
      code: 'parser_out_of_memory',
      detail: `Reading the document needs more memory than is allowed: ${message}.`,
    };
  }
  if (error instanceof RangeError && /call stack/i.test(message)) {
    return { code: 'document_corrupt', detail: 'The parts of the document are nested too deeply to be read.' };
  }
  return { code: 'document_corrupt', detail: `The document cannot be read: ${message.slice(0, 300)}` };
}
