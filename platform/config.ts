import path from 'node:path';
import { z } from 'zod';
import { defaultRetention } from '../contracts/names/retention.ts';
import { createAddressPolicy } from '../providers/fetch/address-policy.ts';
import { configureSchedules } from './configured-schedules.ts';
import { readRetention } from './read-retention.ts';

const queueNames = ['chat', 'ingest', 'sync', 'evaluate', 'maintain'] as const;

const flag = z.enum(['true', 'false', '1', '0', '']).transform((value) => value === 'true' || value === '1');

/** Every setting of the product, each with its description; `.env.example` and README's table are made from this. */
export const configSchema = z.object({
  PERDURE_ENV: z
    .enum(['development', 'production', 'test'])
    .default('development')
    .describe('Kind of environment; production refuses to invent secrets'),
  PERDURE_HOME: z
    .string()
    .default('.perdure')
    .describe('Folder of the embedded servers, their data, caches, weights and logs'),
  PERDURE_HOST: z.string().default('127.0.0.1').describe('Address the API listens on'),
  PERDURE_PORT: z.coerce.number().int().min(0).max(65_535).default(7400).describe('Port of the API'),
  PERDURE_CORS_ORIGINS: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((entry) => entry.trim().replace(/\/$/, ''))
        .filter((entry) => entry !== ''),
    )
    .pipe(z.array(z.union([z.literal('*'), z.url({ protocol: /^https?$/ })])))
    .describe('Origins whose pages may call the API from a browser, separated by commas; * for all, empty for none'),
  PERDURE_KEEP_ALIVE_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(600_000)
    .default(15_000)
    .describe('How often an event stream without events sends a comment, so that no proxy takes it for dead'),
  PERDURE_METRICS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(0)
    .describe("Port of a worker's own /metrics; 0 takes a free one"),
  PERDURE_METRICS_HOST: z
    .string()
    .default('127.0.0.1')
    .describe("Address of a worker's own /metrics, which asks for no key: open it to a private network at the most"),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .describe('PostgreSQL 17 or newer with pgvector 0.8.4 or newer; without it npm start runs an embedded one'),
  PERDURE_DATABASE_POOL: z.coerce
    .number()
    .int()
    .min(5)
    .max(200)
    .default(16)
    .describe('Connections of one process to the database, those of listeners and the operator role included'),
  PERDURE_DATABASE_DISK_GB: z.coerce
    .number()
    .positive()
    .optional()
    .describe(
      'Gigabytes that the databases of the server may take: before an index is built anew, room for it is looked for. The ' +
        'embedded server is asked how much its disk has left',
    ),
  TEMPORAL_ADDRESS: z
    .string()
    .optional()
    .describe('Temporal frontend; TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* and profiles are read as well'),
  PERDURE_TEMPORAL_UI_URL: z.url().optional().describe("Address of Temporal's web UI, for links"),
  PERDURE_SECRET_KEY: z
    .string()
    .regex(/^[A-Za-z0-9+/_-]{43}=?$/, 'must be 32 bytes in base64')
    .describe('Key that seals stored credentials: 32 bytes in base64, the same for every replica'),
  PERDURE_QUEUES: z
    .string()
    .default(queueNames.join(','))
    .transform((value) => value.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(queueNames)).min(1))
    .transform((queues) => [...new Set(queues.includes('ingest') ? [...queues, 'sync' as const] : queues)])
    .describe('Task queues that a worker serves, separated by commas; `ingest` brings `sync` with it'),
  PERDURE_SCHEDULES: z
    .string()
    .default('')
    .transform((text, context) => {
      try {
        return configureSchedules(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    })
    .describe(
      'How schedules of maintenance differ when they are made, as JSON: {"sweep-orphans": {"timing": {"cron": "0 3 * * *", ' +
        '"time_zone": "Europe/Zurich"}}}; later changes are made through the API',
    ),
  PERDURE_RETENTION: z
    .string()
    .default('')
    .transform((text, context) => {
      try {
        return readRetention(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    })
    .describe(
      'For how many days things are kept once they have ended or were deleted, as JSON, null for ever: ' +
        JSON.stringify(defaultRetention),
    ),
  PERDURE_OPERATOR_WORKSPACE: z
    .string()
    .default('default')
    .describe('Name of the workspace whose keys see and change what concerns the whole server, such as schedules'),
  PERDURE_EARLY_ANSWERS: flag
    .default(true)
    .describe(
      'Let workers call the model as soon as a message is committed, before Temporal has heard of it; true unless false',
    ),
  PERDURE_CACHED_WORKFLOWS: z.coerce
    .number()
    .int()
    .min(40)
    .max(100_000)
    .optional()
    .describe('Workflows that each queue of a worker keeps in memory; as many as its heap bears when not given'),
  PERDURE_PARSERS: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('Processes of a worker that read documents; 0 is one for each processor, four at the most'),
  PERDURE_EMBEDDING_THREADS: z.coerce
    .number()
    .int()
    .min(0)
    .max(256)
    .default(0)
    .describe('Texts that the local embedding model computes at once in a process, on a core each; 0 for all cores'),
  PERDURE_PARSE_SECONDS: z.coerce
    .number()
    .min(1)
    .max(540)
    .default(120)
    .describe('Most seconds that reading one document may take; 20 for small text'),
  PERDURE_PARSE_MEMORY_MB: z.coerce
    .number()
    .int()
    .min(192)
    .default(1024)
    .describe('Most memory of one process that reads documents'),
  PERDURE_PARSE_CHARACTERS: z.coerce
    .number()
    .int()
    .min(1000)
    .max(200_000_000)
    .default(50_000_000)
    .describe('Most characters of text that one document may have'),
  PERDURE_PARSE_UNPACKED_MB: z.coerce
    .number()
    .int()
    .min(1)
    .default(1024)
    .describe('Most megabytes that an archive, as Office files are, may unpack to'),
  PERDURE_PARSE_MEMBERS: z.coerce.number().int().min(1).default(20_000).describe('Most files in such an archive'),
  PERDURE_FETCH_ALLOW: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    )
    .superRefine((entries, context) => {
      try {
        createAddressPolicy(entries);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
      }
    })
    .describe(
      'Hosts, addresses and ranges that may be fetched from though they are private, separated by commas: ' +
        'wiki.internal, 10.1.0.0/16, [fd00::1]:8080',
    ),
  PERDURE_SOURCE_FOLDERS: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    )
    .pipe(z.array(z.string().startsWith('/', 'must be absolute folders, separated by commas')))
    .describe('Folders below which sources of the type file may read, separated by commas; the same for every worker'),
  PERDURE_MEMORY_TOKENS: z.coerce
    .number()
    .int()
    .min(100)
    .max(50_000)
    .default(2000)
    .describe('Tokens that what is remembered of a user may have, unless the user has a cap of their own'),
  PERDURE_MEMORY_IDLE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(604_800)
    .default(900)
    .describe('How long a conversation must rest before it is learned from; 0 learns nothing about users'),
  OPENAI_API_KEY: z.string().optional().describe('Registers a chat model of OpenAI or a compatible provider'),
  OPENAI_BASE_URL: z.url().optional().describe('Address of a compatible provider (Ollama, vLLM, LM Studio)'),
  PERDURE_CHAT_MODEL: z.string().default('gpt-5-mini').describe('Model that is registered when a key is given'),
  PERDURE_CAPTURE_CONTENT: flag
    .default(false)
    .describe('Put prompts and answers on telemetry spans (they may hold personal data)'),
  PERDURE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least level that is logged'),
  PERDURE_WORKFLOW_BUNDLE: z.string().optional().describe('Prebuilt workflow bundle; made and cached when not given'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional().describe('Where traces go (OTLP over HTTP); other OTEL_* apply too'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url().optional().describe('Full address for traces, in place of the above'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(['http/protobuf', 'http/json'])
    .default('http/protobuf')
    .describe('How traces are written; gRPC is not offered'),
  OTEL_SDK_DISABLED: flag.default(false).describe('Sends no traces though an address is given'),
});

export type Config = z.infer<typeof configSchema>;

const secretNames = new Set<string>(['DATABASE_URL', 'PERDURE_SECRET_KEY', 'OPENAI_API_KEY']);

/** Thrown when settings are missing or wrong; the message lists all of them at once, without any secret's value. */
export class ConfigError extends Error {}

/**
 * Reads the settings from `env` (the process's own by default). Empty strings count as absent.
 * @throws ConfigError naming every mistake.
 */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = configSchema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const value = given[name];
      const shown = value === undefined ? 'is missing' : secretNames.has(name) ? 'is wrong' : `is "${value}"`;
      return `  ${name} ${shown}: ${issue.message}`;
    });
    throw new ConfigError(`The configuration is not valid:\n${lines.join('\n')}\nSee .env.example for each setting.`);
  }
  return { ...parsed.data, PERDURE_HOME: path.resolve(parsed.data.PERDURE_HOME) };
}
