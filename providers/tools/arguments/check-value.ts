import { compileSchema } from './compile-schema.ts';
import { runWithin, TimeBoxError } from './time-box.ts';

const checkMs = 500;
const mistakesShown = 5;

/** What of a value does not fit a JSON Schema, in words; empty when it fits. Time is bounded. */
export function checkValue(schema: Readonly<Record<string, unknown>>, value: unknown): string[] {
  const { $schema: dialect, $defs, definitions, ...own } = schema;
  const whole = {
    type: 'object' as const,
    ...(dialect === undefined ? {} : { $schema: dialect }),
    ...($defs === undefined ? {} : { $defs }),
    ...(definitions === undefined ? {} : { definitions }),
    properties: { value: own },
    required: ['value'],
  };
  try {
    const check = compileSchema(whole);
    const errors = runWithin(checkMs, () => check({ value })) ?? [];
    return errors
      .slice(0, mistakesShown)
      .map(
        ({ instancePath, message }) => `${instancePath.slice('/value'.length) || 'the value'} ${message ?? 'is wrong'}`,
      );
  } catch (error) {
    if (error instanceof TimeBoxError) return ['checking it against the schema took too long'];
    return [`the schema cannot be used: ${(error as Error).message.slice(0, 300)}`];
  }
}

/** Why a text does not match a pattern, in words; empty when it does. Time is bounded. */
export function checkPattern({ pattern, flags, text }: { pattern: string; flags: string; text: string }): string[] {
  try {
    return runWithin(checkMs, () => new RegExp(pattern, flags).test(text)) ? [] : ['the pattern does not match'];
  } catch (error) {
    if (error instanceof TimeBoxError) return ['matching the pattern took too long'];
    return [`the pattern cannot be used: ${(error as Error).message.slice(0, 300)}`];
  }
}
