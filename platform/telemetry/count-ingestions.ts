import type { Metrics } from './metrics.ts';

/** The steps of an ingestion whose results say how far it came. */
interface IngestionSteps {
  embedChunks(...args: never[]): Promise<{ embedded: number }>;
  publishGeneration(...args: never[]): Promise<{ state: string }>;
  failGeneration(input: never, failure: { status: 'failed' | 'cancelled' }): Promise<{ state: string }>;
}

/** The same steps, counted by their results. A step that a crash makes run again may be counted again. */
export function countIngestions<Steps extends IngestionSteps>(steps: Steps, metrics: Metrics): Steps {
  return {
    ...steps,
    embedChunks: async (...args: never[]) => {
      const result = await steps.embedChunks(...args);
      metrics.chunksEmbedded(result.embedded);
      return result;
    },
    publishGeneration: async (...args: never[]) => {
      const result = await steps.publishGeneration(...args);
      if (result.state === 'active') metrics.documentFinished('active');
      return result;
    },
    failGeneration: async (input: never, failure: { status: 'failed' | 'cancelled' }) => {
      const result = await steps.failGeneration(input, failure);
      if (result.state === 'failed') metrics.documentFinished(failure.status);
      else if (result.state === 'abandoned') metrics.documentFinished('abandoned');
      return result;
    },
  };
}
