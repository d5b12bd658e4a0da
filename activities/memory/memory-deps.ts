import type { ConversationDeps } from '../conversation/conversation-deps.ts';
import type { LessonKey } from '../../entities/memory/memory-lesson-repository.ts';

/** What the steps that look after memories are made with. */
export type MemoryDeps = Pick<ConversationDeps, 'database' | 'chatModel'> & {
  metrics: Pick<ConversationDeps['metrics'], 'modelFailed'>;
  memory: {
    /** Tokens that a memory may have whose user has no cap. */
    capTokens: number;
    /** For how long a conversation must rest before it is learned from; 0 learns nothing. */
    idleSeconds: number;
  };
  /** Starts the workflow of an accepted lesson; nothing happens where it runs. */
  startLesson(lesson: LessonKey): Promise<void>;
};
