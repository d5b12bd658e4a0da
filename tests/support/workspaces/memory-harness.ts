import { createMemoryActivities } from '../../../activities/memory/create-memory-activities.ts';
import { workflowTypes } from '../../../contracts/names/workflows.ts';
import { estimateTokens } from '../../../domain/prompting/estimate-tokens.ts';
import { annotateWritten } from '../../../domain/memory/memory-lines.ts';
import { writeMemory } from '../../../entities/memory/memory-version-repository.ts';
import { lockMemoryOwner } from '../../../entities/memory/user-memory-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createLessonStarter } from '../../../platform/lesson-starter.ts';
import { createProviders } from '../../../providers/registry.ts';
import { testServers } from '../servers/test-servers.ts';
import { until } from '../until.ts';
import { conversationHarness } from './conversation-harness.ts';
import type { TestWorkspace } from './create-workspace.ts';

let runs = 0;

/**
 * A conversation harness whose worker learns about users too: every conversation counts as at rest at once, and memories
 * may have `capTokens`. Call at the top of a test file.
 */
export function memoryHarness({ capTokens = 200 }: { capTokens?: number } = {}) {
  const prompts: string[] = [];
  const harness = conversationHarness({
    pool: 8,
    worker: {
      around: (activities) => {
        const providers = createProviders({ modelDirectory: testServers().modelDirectory });
        return {
          ...activities,
          ...createMemoryActivities({
            database: harness.database,
            chatModel: (model) => {
              const chat = providers.chatModel({ ...model, apiKey: 'test' });
              return {
                ...{ provider: chat.provider, id: chat.id, contextWindow: chat.contextWindow, supportsTools: false },
                stream(request, options) {
                  prompts.push(JSON.stringify(request.messages));
                  return chat.stream(request, options);
                },
              };
            },
            metrics: { modelFailed: () => {} },
            memory: { capTokens, idleSeconds: 0.001 },
            ...createLessonStarter(harness.client),
          }),
        };
      },
    },
  });
  const run = async <T>(type: string, summary: string): Promise<T> => {
    runs += 1;
    const options = { workflowId: `${summary}/${process.pid}/${runs}`, taskQueue: 'chat', args: [] };
    return (await harness.client.workflow.execute(type, options)) as T;
  };
  return {
    harness,
    /** What models were asked about memories, in order. */
    prompts,
    /** Runs what the schedules run. */
    learn: () => run<{ started: number }>(workflowTypes.learnMemories, 'learn'),
    condense: () => run<Record<string, number>>(workflowTypes.condenseMemories, 'condense'),
    /** A conversation of the workspace's user, or of a new one, in which these things were said and answered. */
    async talk(said: readonly string[], of?: TestWorkspace) {
      const chat = await harness.open(of ?? (await harness.workspace({ model: 'fake' })));
      const turns: string[] = [];
      for (const content of said) {
        turns.push(await chat.send(content));
        await chat.ended(turns.at(-1)!);
      }
      const lessons = () =>
        chat.query<{ state: string; starts: number; version: number | null; outcome: any; error: any }>( // oxlint-disable-line typescript/no-explicit-any -- tests assert on whatever is there
          `select state, starts, version, outcome, error from memory_lessons where conversation_id = $1
           order by up_to_sequence`,
          [chat.conversationId],
        );
      return {
        ...chat,
        lessons,
        /** What the model was asked for the first answer. */
        firstPrompt: () => chat.promptOf(turns[0]!, 0),
        /** Waits until the last lesson of the conversation has ended. */
        lessonEnded: () =>
          until(
            async () => {
              const last = (await lessons()).at(-1);
              return last && !['accepted', 'running'].includes(last.state) ? last : null;
            },
            { what: 'the end of the lesson', timeoutMs: 30_000 },
          ),
      };
    },
    /** What is remembered of the workspace's user. */
    async memoryOf({ workspaceId, userId }: TestWorkspace) {
      const rows = await harness.database.inWorkspace(workspaceId, (em) =>
        query<{ memory: string; version: number; origin: string; tokens: number; detail: Record<string, unknown> }>(
          em,
          `select m.memory, m.version, v.origin, m.token_count as tokens, v.detail
           from user_memories m join memory_versions v on v.user_id = m.user_id and v.version = m.version
           where m.user_id = $1`,
          [userId],
        ),
      );
      return rows[0] ?? null;
    },
    /** Writes a memory as a person does. */
    write({ workspaceId, userId }: TestWorkspace, memory: string, saidAt = new Date()): Promise<number> {
      return harness.database.inWorkspace(workspaceId, async (em) => {
        const owner = await lockMemoryOwner(em, userId);
        const facts = annotateWritten(memory, owner?.facts ?? [], saidAt.toISOString());
        const given = { workspaceId, userId, memory, metadata: {}, facts, tokens: estimateTokens(memory) };
        return writeMemory(em, { ...given, origin: 'written', detail: {} });
      });
    },
    /** Paid calls about the user's memory. */
    paid({ workspaceId, userId }: TestWorkspace) {
      return harness.database.inWorkspace(workspaceId, (em) =>
        query<{ id: string; state: string; total_tokens: number | null }>(
          em,
          `select id, state, total_tokens from usage_metrics where entity_type = 'memory' and entity_id = $1
           order by timestamp, id`,
          [userId],
        ),
      );
    },
  };
}

/** A model's answer that names facts, each with the message and the words it rests on. */
export function foundFacts(...facts: [statement: string, message: number, quote: string][]): { answer: string } {
  const listed = facts.map(([statement, message, quote]) => ({ subject: 'the user', statement, message, quote }));
  return { answer: JSON.stringify({ facts: listed }) };
}

/** A model's answer that compares statements by their numbers. */
export function comparedFacts(...pairs: { new: number; same_as?: number[]; contradicts?: number[] }[]): {
  answer: string;
} {
  return { answer: JSON.stringify({ pairs }) };
}
