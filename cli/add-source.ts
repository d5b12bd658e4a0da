import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { KnowledgeSource } from '../contracts/knowledge-source.ts';
import { CliError, UsageError } from './cli-error.ts';
import type { CommandContext } from './command.ts';

/** What is said of a source to make. */
export interface SourceToAdd {
  readonly name: string;
  readonly type: string;
  /** JSON, or the name of a file that holds it. */
  readonly config: string | undefined;
  /** A file with the credentials: on a command line others could read them. */
  readonly credentials: string | undefined;
  readonly language: string | undefined;
}

/** Makes a knowledge source. @throws UsageError for a configuration that is no JSON object, ApiError for one that is refused. */
export async function addSource(
  { api, signal }: Pick<CommandContext, 'api' | 'signal'>,
  { name, type, config, credentials, language }: SourceToAdd,
): Promise<KnowledgeSource> {
  const body = {
    name,
    type,
    configuration: config === undefined ? {} : await readConfiguration(config),
    ...(credentials === undefined ? {} : { connection_string: (await readText(credentials)).trim() }),
    ...(language === undefined ? {} : { language }),
  };
  const options = { method: 'POST', body, signal, idempotencyKey: randomUUID() } as const;
  return api.request<KnowledgeSource>('/knowledge-sources', options);
}

async function readConfiguration(config: string): Promise<unknown> {
  const text = config.trimStart().startsWith('{') ? config : await readText(config);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below, with what a configuration is.
  }
  throw new UsageError(`--config is no JSON object: ${text.slice(0, 80)}`);
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => {
    throw new CliError(`The file ${file} cannot be read.`);
  });
}
