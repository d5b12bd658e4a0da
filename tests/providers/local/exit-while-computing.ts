import { createLocalEmbeddingModel } from '../../../providers/local/local-embedding-model.ts';

/** A process that exits with code 7, `argv[3]` milliseconds into a long batch, without closing the model. */
const model = createLocalEmbeddingModel({ modelDirectory: process.argv[2] ?? '' });
await model.embed(['warm']);
void model.embed(Array.from({ length: 50 }, () => 'durable work goes on '.repeat(60)));
setTimeout(() => process.exit(7), Number(process.argv[3]));
