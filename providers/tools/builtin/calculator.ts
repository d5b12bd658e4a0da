import { cutResult } from '../../../domain/tools/cut-result.ts';
import { runWithin, TimeBoxError } from '../arguments/time-box.ts';
import type { Tool, ToolDefinition } from '../../tool.ts';
import { calculate, CalculationError } from './calculate.ts';

const computeMs = 500;

/** What the calculator takes. */
export const calculatorParameters = {
  type: 'object',
  properties: {
    expression: {
      type: 'string',
      description: 'Such as (19.99 * 3 + 4.50) * 1.19, 2^0.5, round(10/3, 2), sqrt(2), max(3, 7), log(1000)',
    },
  },
  required: ['expression'],
  additionalProperties: false,
} as const;

/** What it is for, unless a tool says it otherwise. */
export const calculatorDescription =
  'Computes an arithmetic expression exactly, in decimals of 40 digits. Use it for every calculation.';

/** A tool that computes. A mistake in the expression is told to the model, which can mend it. */
export function createCalculator(definition: ToolDefinition): Tool {
  return {
    definition,
    async run(args) {
      const { content, isError } = answer(String(args.expression));
      return { ...cutResult(content, definition.maxResultBytes), isError };
    },
  };
}

function answer(expression: string): { content: string; isError: boolean } {
  try {
    return { content: runWithin(computeMs, () => calculate(expression)), isError: false };
  } catch (error) {
    if (error instanceof CalculationError) return { content: error.message, isError: true };
    if (error instanceof TimeBoxError)
      return { content: 'The expression takes too long. Compute it in smaller parts.', isError: true };
    throw error;
  }
}
