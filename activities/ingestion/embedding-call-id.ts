import { v5 } from 'uuid';
import type { GenerationRun } from '../../entities/documents/document-generation-repository.ts';

const callNamespace = '3f1a1c52-3f57-4b0b-8b0a-1f3c7d8e5a90';

/** The id of one embedding call: the same run, model, first chunk and attempt always give the same UUIDv5. */
export function embeddingCallId(run: GenerationRun, modelId: string, firstChunk: number, attempt: number): string {
  return v5(`${run.documentId}/${run.generation}/${run.runId}/${modelId}/${firstChunk}/${attempt}`, callNamespace);
}
