import type { SearchToolRow } from '../../../entities/agents/agent-tool-rows.ts';
import { searchParameters } from '../../../providers/tools/search-tool.ts';
import type { ToolDefinition } from '../../../providers/tool.ts';

const searchMs = 60_000;
const mostPassageBytes = 64 * 1024;

/** How a RAG or retrieval tool is named to a model before names are made unique. */
export function searchName({ name }: SearchToolRow): string {
  return /^search/i.test(name) ? name : `search ${name}`;
}

/** A search of documents as a model sees it. */
export function searchDefinition(row: SearchToolRow, name: string): ToolDefinition {
  const where = row.source === null ? 'the documents' : `the documents of "${row.source}"`;
  return {
    type: row.type,
    id: row.id,
    version: null,
    name,
    description: [`Finds passages in ${where} that answer a question.`, row.description.trim()].join(' ').trim(),
    parameters: searchParameters,
    effect: 'read',
    idempotent: true,
    approval: { mode: 'never' },
    timeoutMs: searchMs,
    maxResultBytes: mostPassageBytes,
  };
}
