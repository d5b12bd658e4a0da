import { functionNames } from '../../../contracts/function-name.ts';
import {
  readAgentToolRows,
  type AgentToolRows,
  type SearchToolRow,
  type ToolRow,
} from '../../../entities/agents/agent-tool-rows.ts';
import { findVersion } from '../../../entities/agents/version-repository.ts';
import { createSearchTool } from '../../../providers/tools/search-tool.ts';
import { refusingTool } from '../../../providers/tools/refusing-tool.ts';
import type { Tool } from '../../../providers/tool.ts';
import type { ToolWorkshop } from '../../../providers/tool-workshop.ts';
import type { ResolvedTools, ToolReference, ToolResolver } from '../conversation-deps.ts';
import { searchPassages, type SearchDeps } from '../search-passages.ts';
import { searchDefinition, searchName } from './search-definition.ts';

/** What tools of agents are made with. */
export type ToolDeps = SearchDeps & { workshop: Pick<ToolWorkshop, 'open'> };

type Found = { reference: ToolReference; row: ToolRow | SearchToolRow };

/** Makes the tools that agents refer to. */
export function createToolResolver(deps: ToolDeps): ToolResolver {
  return {
    async resolve(em, { references }) {
      if (references.length === 0) return { tools: [], before: [], leftOut: [] };
      const rows = await readAgentToolRows(em, idsOf(references));
      const before: string[] = [];
      const offered: Found[] = [];
      const leftOut: ResolvedTools['leftOut'][number][] = [];
      for (const reference of references) {
        const row = rowOf(rows, reference);
        const { type, id } = reference;
        if (row === null) leftOut.push({ type, id, name: null, reason: 'it was deleted' });
        else if (whyNot(row) !== null) leftOut.push({ type, id, name: row.name, reason: whyNot(row)! });
        else if (type === 'rag_tool' && reference.use !== 'on_demand') before.push(id);
        else offered.push({ reference, row });
      }
      const names = functionNames(offered.map(({ row }) => (isSearch(row) ? searchName(row) : row.name)));
      const tools = offered.map(({ reference, row }, index) => withApproval(open(row, names[index]!), reference));
      return { tools, before, leftOut };
    },

    async open(em, { references, call }) {
      const rows = await readAgentToolRows(em, [...new Set([call.id, ...idsOf(references)])]);
      const row = [...rows.tools, ...rows.searches].find(({ id }) => id === call.id) ?? null;
      if (row === null || whyNot(row) !== null) return null;
      if (isSearch(row) || call.version === null || row.version === call.version) return open(row, call.name);
      const kept = await findVersion(em, 'tool', row.id, call.version);
      if (kept === null) return null;
      const { version, snapshot } = kept;
      const proposed: ToolRow = {
        ...row,
        version,
        configuration: snapshot.configuration,
        parameters: snapshot.parameters,
        effect: snapshot.effect,
        idempotent: snapshot.idempotent,
        timeoutMs: snapshot.timeout_ms,
        maxResultBytes: snapshot.max_result_bytes,
      };
      const tool = open(proposed, call.name);
      // The credentials are those of today, and are for the service of today.
      if (row.credentials === null || originOf(row) === originOf(proposed)) return tool;
      return refusingTool(
        tool.definition,
        `The tool "${call.name}" calls another service now than when this call was proposed. Propose it anew.`,
      );
    },
  };

  function open(row: ToolRow | SearchToolRow, name: string): Tool {
    if (!isSearch(row)) return deps.workshop.open(row, name);
    const { id, type, ragToolId } = row;
    return createSearchTool(searchDefinition(row, name), ({ workspaceId, userId, query, limit, signal }) =>
      searchPassages(deps, {
        workspaceId,
        body: {
          query,
          rag_tool: ragToolId!,
          filters: {},
          ...(type === 'retrieval_tool' && { retrieval_tool: id }),
          ...(limit !== null && { top_k: limit }),
        },
        user: { id: userId },
        signal,
      }),
    );
  }
}

function idsOf(references: readonly ToolReference[]): string[] {
  return references.map(({ id }) => id);
}

function rowOf(rows: AgentToolRows, { type, id }: ToolReference): ToolRow | SearchToolRow | null {
  const found = type === 'tool' ? rows.tools : rows.searches.filter((row) => row.type === type);
  return found.find((row) => row.id === id) ?? null;
}

function isSearch(row: ToolRow | SearchToolRow): row is SearchToolRow {
  return 'ragToolId' in row;
}

/** Why a tool that is there cannot be offered; null when it can. */
function whyNot(row: ToolRow | SearchToolRow): string | null {
  if (!isSearch(row)) return row.isActive ? null : 'it is switched off';
  return row.ragToolId === null ? 'no RAG tool says by which embedding model its source is searched' : null;
}

/** An agent may ask more or less often than the tool itself. */
function withApproval(tool: Tool, { needs_approval: mode }: ToolReference): Tool {
  if (mode == null) return tool;
  const { approval } = tool.definition;
  const wait = approval.mode === 'never' ? {} : { expires_after_seconds: approval.expires_after_seconds };
  return { ...tool, definition: { ...tool.definition, approval: mode === 'never' ? { mode } : { mode, ...wait } } };
}

function originOf({ configuration }: ToolRow): string | null {
  return typeof configuration.url === 'string' ? new URL(configuration.url.replaceAll(/[{}]/g, '')).origin : null;
}
