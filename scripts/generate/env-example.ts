import { z } from 'zod';
import { configSchema } from '../../platform/config.ts';
import { writeOrCheck } from './write-or-check.ts';

const { properties = {}, required = [] } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });

const settings = Object.entries(properties).map(([name, schema]) => {
  const { description, default: preset } = schema as { description?: string; default?: unknown };
  // What npm start sets by itself is not mandatory for a reader of this file, so every line is a comment.
  const kind =
    preset !== undefined ? '' : required.includes(name) ? ' (npm start sets it for embedded servers)' : ' (optional)';
  return `# ${description ?? ''}${kind}\n# ${name}=${preset === undefined ? '' : JSON.stringify(preset).replaceAll('"', '')}\n`;
});

const head = `# Settings of Perdure, made from platform/config.ts by "node scripts/generate/env-example.ts".
# Without any of them npm start runs on embedded servers. Every process reads them from its environment.
`;

writeOrCheck('.env.example', [head, ...settings].join('\n'), 'env-example.ts');
