import { conversationExportSchema, exportQuerySchema } from '../../contracts/conversation-export.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { defineRoute } from '../framework/route.ts';
import { findVisibleConversation } from './find-visible-conversation.ts';
import { presentConversation } from './present-conversation.ts';
import { exportAsJson, exportAsMarkdown, type ReadPage } from './stream-export.ts';

const markdown = 'text/markdown; charset=utf-8';

/** `GET /conversations/{id}/export`: the whole conversation, for whoever takes it along. */
export const exportRoute = defineRoute({
  method: 'GET',
  path: '/conversations/{id}/export',
  tag: 'Conversations',
  summary: 'The whole conversation as JSON (all branches, turns, calls of tools, feedback) or as Markdown',
  scope: 'conversations:read',
  params: idParamsSchema,
  query: exportQuerySchema,
  responses: { 200: { json: conversationExportSchema, or: markdown } },
  handle: async ({ params, query, user, principal }, { database }) => {
    const find = (em: Parameters<typeof findVisibleConversation>[0]) => findVisibleConversation(em, params.id, user);
    const conversation = presentConversation(await database.inWorkspace(principal.workspaceId, find));
    const readPage: ReadPage = (read) =>
      database.inWorkspace(principal.workspaceId, async (em) => {
        await find(em);
        return read(em);
      });
    const isMarkdown = query.format === 'markdown';
    const name = `conversation-${params.id}.${isMarkdown ? 'md' : 'json'}`;
    const headers = { 'content-disposition': `attachment; filename="${name}"` };
    const content = isMarkdown
      ? { mediaType: markdown, parts: exportAsMarkdown(readPage, conversation) }
      : { mediaType: 'application/json', parts: exportAsJson(readPage, conversation) };
    return { status: 200, content, headers };
  },
});
