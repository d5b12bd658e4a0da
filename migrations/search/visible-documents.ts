// Who sees what: the active generation of a document that is not deleted, global or the user's own. A document without a
// user that is not global is seen by nobody. The check on active_generation keeps rows of other generations out.
/** The condition on a document d that search sees it, with three expressions as its arguments. */
export const visible = (workspace: string, user: string, sources: string) => `
  d.workspace_id = ${workspace} and d.deleted_at is null and d.active_generation is not null
  and (d.is_global or d.user_id = ${user})
  and (${sources}::uuid[] is null or d.knowledge_source_id = any (${sources}::uuid[]))`;

/** How a row e of chunks joins the document d whose active generation it belongs to. */
export const joined = `d.workspace_id = e.workspace_id and d.id = e.document_id and d.active_generation = e.generation`;
