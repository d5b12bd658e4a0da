import type { Metrics } from './metrics.ts';

/** The steps of an ingestion whose results say how far it came. */
interface IngestionSteps {
  prepareDocument(...args: never[]): Promise<{ state: string; chunks: number }>;
  ingestSmall(...args: never[]): Promise<{ active: number; chunks: number }>;
  embedChunks(...args: never[]): Promise<{ embedded: number }>;
  publishGeneration(...args: never[]): Promise<{ state: string }>;
  failGeneration(input: never, failure: { status: 'failed' | 'cancelled' }): Promise<{ state: string }>;
}

/** The same steps, counted by their results. A step that a crash makes run again may be counted again. */
export function countIngestions<Steps extends IngestionSteps>(steps: Steps, metrics: Metrics): Steps {
  return {
    ...steps,
    prepareDocument: async (...args: never[]) => {
      const result = await steps.prepareDocument(...args);
      if (result.state === 'active') {
        metrics.documentFinished('active');
        metrics.chunksEmbedded(result.chunks);
      }
      return result;
    },
    ingestSmall: async (...args: never[]) => {
      const result = await steps.ingestSmall(...args);
      for (let counted = 0; counted < result.active; counted += 1) metrics.documentFinished('active');
      metrics.chunksEmbedded(result.chunks);
      return result;
    },
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
