import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { configSchema } from '../../platform/config.ts';
import { writeOrCheck } from './write-or-check.ts';

const readme = path.resolve(import.meta.dirname, '../../README.md');
const begin = '<!-- settings: made by scripts/generate/readme-settings.ts -->';
const end = '<!-- end of settings -->';

type Property = { description?: string; default?: unknown };

/** The table of all settings, from the schema that reads them. */
function settingsTable(): string {
  const { properties = {}, required = [] } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const without = (name: string): string => (required.includes(name) ? 'given by `npm start`' : '–');
  const rows = Object.entries(properties).map(([name, property]) => {
    const { description = '', default: preset } = property as Property;
    const shown = preset === undefined ? without(name) : `\`${JSON.stringify(preset).replaceAll('"', '')}\``;
    return `| \`${name}\` | ${shown} | ${description.replaceAll('|', '\\|')} |`;
  });
  return ['| setting | default | what it does |', '| --- | --- | --- |', ...rows].join('\n');
}

const [before, rest] = readFileSync(readme, 'utf8').split(begin);
const [, after] = rest?.split(end) ?? [];
if (before === undefined || after === undefined) {
  throw new Error(`README.md must hold the lines "${begin}" and "${end}", between which the table of settings stands.`);
}
writeOrCheck('README.md', `${before}${begin}\n\n${settingsTable()}\n\n${end}${after}`, 'readme-settings.ts');
