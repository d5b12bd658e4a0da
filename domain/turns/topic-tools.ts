import type { AgentToolReference, Topic } from '../../contracts/agent.ts';

/**
 * The tools that a turn of a topic has: those that the topic lists, and those that no topic lists. A turn without a topic
 * has all of them.
 */
export function toolsOfTopic(
  tools: readonly AgentToolReference[],
  topics: readonly Topic[],
  topic: string | null,
): AgentToolReference[] {
  const current = topics.find(({ name }) => name === topic);
  if (!current) return [...tools];
  const lists = ({ tools: listed }: Topic, id: string) => listed.some((one) => one.id === id);
  return tools.filter(({ id }) => lists(current, id) || !topics.some((one) => lists(one, id)));
}
