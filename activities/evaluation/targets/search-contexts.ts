import { searchRequestSchema } from '../../../contracts/search.ts';
import type { StoredContext } from '../../../entities/evaluations/evaluation-item-repository.ts';
import { searchByTool } from '../../../retrieval/search-by-tool.ts';
import { searchModels } from '../../conversation/search-passages.ts';
import { faultOf } from '../call-fault.ts';
import type { ItemWork } from '../item-work.ts';

/** Searches as the variant says and gives the passages, best first. @throws CallFault when the search fails. */
export async function searchContexts(work: ItemWork, question: string): Promise<StoredContext[]> {
  const { run, variant } = work;
  const line = `search ${variant.ragTool?.id ?? ''}`;
  await work.waitForRate();
  try {
    const { user } = run.plan.configuration;
    const body = searchRequestSchema.parse({
      query: question.slice(0, 8000),
      rag_tool: variant.ragTool?.id,
      ...(variant.retrievalTool !== null && { retrieval_tool: variant.retrievalTool.id }),
      ...variant.search,
    });
    const outcome = await searchByTool(searchModels(run.deps), {
      workspaceId: run.key.workspaceId,
      body,
      user: { externalId: user ?? '' },
      signal: run.signal,
    });
    await work.noteAnswer(line);
    return (outcome?.hits ?? []).map((hit) => ({
      document_id: hit.documentId,
      chunk_index: hit.chunkIndex,
      title: hit.title,
      source_url: hit.sourceUrl,
      source_path: hit.sourcePath,
      text: hit.context?.content ?? hit.content,
    }));
  } catch (error) {
    run.signal.throwIfAborted();
    throw faultOf(line, error);
  }
}
