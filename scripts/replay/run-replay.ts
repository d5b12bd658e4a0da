import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createToolResolver } from '../../activities/conversation/tools/resolve-tools.ts';
import type { StoredModel } from '../../entities/agents/stored-model.ts';
import { loadConfig } from '../../platform/config.ts';
import { createDatabase } from '../../platform/database.ts';
import { guardBudgets } from '../../platform/guard-budgets.ts';
import { open } from '../../platform/seal.ts';
import { openToolWorkshop } from '../../platform/tool-workshop.ts';
import { createProviders } from '../../providers/registry.ts';
import { readStoredSecret } from '../supervisor/stored-secret.ts';
import { replayTurn, type ReplayChanges } from './replay-turn.ts';
import { showDifference } from './show-difference.ts';

// Exit code 0 when everything is as it was, 1 at the first difference, 2 when the turn could not be run again.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { prompt: { type: 'string' }, model: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const home = path.resolve(process.env.PERDURE_HOME || '.perdure');
process.env.PERDURE_SECRET_KEY ||= readStoredSecret(home, 'secret-key');
const config = loadConfig();
const database = createDatabase({ DATABASE_URL: config.DATABASE_URL, PERDURE_DATABASE_POOL: 4 }, 'perdure-replay');
const providers = guardBudgets(
  createProviders({ modelDirectory: path.join(home, 'models', 'all-MiniLM-L6-v2') }),
  database,
);
const settingsOf = (model: StoredModel) => ({
  ...model,
  apiKey: model.apiKey === null ? null : open(config.PERDURE_SECRET_KEY, model.apiKey),
});
const chatModel = (model: StoredModel) => providers.chatModel(settingsOf(model));
const embeddingModel = (model: StoredModel) => providers.embeddingModel(settingsOf(model));
const changes: ReplayChanges = {
  ...(values.prompt !== undefined && { systemPrompt: readFileSync(values.prompt, 'utf8') }),
  ...(values.model !== undefined && { model: values.model }),
};
const say = (line: string) => process.stdout.write(`${line}\n`);
const tools = createToolResolver({ database, chatModel, embeddingModel, workshop: openToolWorkshop(config) });

try {
  process.exitCode = await replay(positionals[0] ?? '');
} catch (error) {
  process.stderr.write(`The turn could not be run again: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  await providers.close();
  await database.close();
}

async function replay(turnId: string): Promise<number> {
  for await (const { step, kind, note, compared } of replayTurn({ database, chatModel, tools }, turnId, changes)) {
    const differences = compared.flatMap(({ what, was, is }) => {
      const difference = showDifference(was, is);
      return difference === null ? [] : [{ what, difference }];
    });
    const verdict = compared.length === 0 ? '' : differences.length === 0 ? ', the same' : ', different';
    if (values.json) say(JSON.stringify({ step, kind, note, differences }));
    else say(`step ${step}  ${kind.padEnd(9)}  ${note}${verdict}`);
    const [first] = differences;
    if (!first) continue;
    if (!values.json) say(`\nThe first difference is in the ${first.what} of step ${step}:\n${first.difference}`);
    return 1;
  }
  return 0;
}
