import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { readJson } from '../read-json.ts';

/** 1 when the answer is JSON that fits a JSON Schema, else 0; a fence of Markdown around it makes no difference. */
export const jsonSchema: Metric = {
  name: 'json_schema',
  title: 'JSON schema',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer'],
  parameters: { schema: { type: 'object', description: 'A JSON Schema, draft 2020-12 or, if `$schema` says so, 7.' } },
  required: ['schema'],
  source: 'JSON Schema, draft 2020-12',
  *judge(input, parameters) {
    const json = readJson(input.answer ?? '', { isFencedOnly: true });
    if (json.state === 'unusable') return { state: 'scored', score: 0, reason: json.reason };
    const schema = parameters['schema'] as Record<string, unknown>;
    const reply = yield { kind: 'schema', schema, value: json.value };
    if (reply.state === 'checked') {
      const [mistake] = reply.mistakes;
      return mistake === undefined
        ? { state: 'scored', score: 1 }
        : { state: 'scored', score: 0, reason: mistake, details: { mistakes: reply.mistakes.slice(0, 20) } };
    }
    return { state: 'unscored', reason: reply.state === 'failed' ? reply.reason : 'The check gave no result.' };
  },
};
