import { parseArgs } from 'node:util';

import { startFakeProvider } from './start-fake-provider.ts';

/** Runs the fake provider as a process of its own: `node tests/support/fake-provider/main.ts --port N`. */
const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const provider = await startFakeProvider({ port: Number(values.port) });
process.stdout.write(`${JSON.stringify({ url: provider.url })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void provider.stop());
