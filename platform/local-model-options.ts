import os from 'node:os';
import path from 'node:path';
import type { Config } from './config.ts';

/** Where a process finds the weights of the local embedding model, and how many texts it computes at once. */
export function localModelOptions(config: Pick<Config, 'PERDURE_HOME' | 'PERDURE_EMBEDDING_THREADS'>): {
  readonly modelDirectory: string;
  readonly embeddingThreads: number;
} {
  return {
    modelDirectory: path.join(config.PERDURE_HOME, 'models', 'all-MiniLM-L6-v2'),
    embeddingThreads: config.PERDURE_EMBEDDING_THREADS || os.availableParallelism(),
  };
}
