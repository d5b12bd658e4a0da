import type { Citation, Message } from '../../contracts/message.ts';
import type { MessageRow } from '../../entities/conversations/conversation-repository.ts';
import type { CitationRow } from '../../entities/conversations/turn-repository.ts';
import { presentTime } from '../framework/present-time.ts';

/** A message with its citations as the API shows it. */
export function presentMessage(row: MessageRow, citations: readonly CitationRow[]): Message {
  return {
    id: row.id,
    conversation_id: row.conversation_id,
    sequence: Number(row.sequence),
    client_message_id: row.client_message_id,
    parent_id: row.parent_id,
    sender: row.sender,
    content: row.content,
    token_count: row.token_count,
    model_response_time: row.model_response_time === null ? null : Number(row.model_response_time),
    metadata: row.metadata,
    citations: citations.filter((citation) => citation.message_id === row.id).map(presentCitation),
    turn_id: row.turn_id,
    created_at: presentTime(row.created_at),
  };
}

function presentCitation(row: CitationRow): Citation {
  return {
    marker: row.marker,
    document_id: row.document_id,
    generation: row.generation,
    chunk_index: row.chunk_index,
    title: row.title,
    source_url: row.source_url,
    start_char: row.start_char,
    end_char: row.end_char,
    quote: row.quote,
    page: row.page,
    page_end: row.page_end,
    page_label: row.page_label,
    headings: row.headings,
  };
}
