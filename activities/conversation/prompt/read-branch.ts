import type { EntityManager } from '@mikro-orm/postgresql';
import { estimateTokens } from '../../../domain/prompting/estimate-tokens.ts';
import { readOlderMessages, type Branch } from '../../../entities/conversations/prompt-source-repository.ts';

const messagesOfNextPage = 200;
const messagesOfLargestPage = 1600;
// What one turn reads of its branch at the most; what is older is as if it were summarised to nothing.
const mostMessages = 10_000;

/** Reads on in a branch until its messages have more than `tokens` by estimate, or it is complete. */
export async function readBranch(em: EntityManager, branch: Branch, tokens: number): Promise<Branch> {
  let size = sizeOf(branch, 0);
  let read = branch;
  for (
    let page = messagesOfNextPage;
    read.above !== null && size <= tokens && read.messages.length < mostMessages;
    page = Math.min(page * 2, messagesOfLargestPage)
  ) {
    const before = read.messages.length;
    read = await readOlderMessages(em, read, page);
    size += sizeOf(read, before);
  }
  return read;
}

/** Tokens of a branch by estimate, without its last `known` messages. */
function sizeOf({ messages }: Branch, known: number): number {
  return messages.slice(0, messages.length - known).reduce((sum, { content }) => sum + estimateTokens(content), 0);
}
