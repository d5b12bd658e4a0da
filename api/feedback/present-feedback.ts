import type { Feedback } from '../../contracts/feedback.ts';
import type { FeedbackRow } from '../../entities/conversations/feedback-repository.ts';
import { presentTime } from '../framework/present-time.ts';

/** Feedback as the API shows it. */
export function presentFeedback(row: FeedbackRow): Feedback {
  return {
    message_id: row.message_id,
    conversation_id: row.conversation_id,
    agent_id: row.agent_id,
    user: row.user,
    rating: row.rating,
    comment: row.comment,
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}
