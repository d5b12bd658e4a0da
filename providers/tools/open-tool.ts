import {
  apiToolConfigurationSchema,
  builtinConfigurationSchema,
  type BuiltinConfiguration,
  type ToolCredentials,
} from '../../contracts/tool-configuration.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import { createHttpTool } from './http/http-tool.ts';
import { calculatorDescription, calculatorParameters, createCalculator } from './builtin/calculator.ts';
import { createCurrentTime, currentTimeDescription, currentTimeParameters } from './builtin/current-time.ts';
import type { JsonSchema, Tool, ToolDefinition } from '../tool.ts';

/** What tools need from outside. */
export interface ToolWorld {
  readonly fetch: GuardedFetch;
  now(): Date;
}

/** Makes a tool of its row; `credentials` are in the clear. @throws ZodError when the configuration is none. */
export function openTool(
  world: ToolWorld,
  definition: ToolDefinition,
  configuration: unknown,
  credentials: ToolCredentials | null,
): Tool {
  if (definition.type === 'builtin') {
    const builtin = builtinConfigurationSchema.parse(configuration);
    return builtin.builtin === 'calculator'
      ? createCalculator(definition)
      : createCurrentTime(definition, builtin.time_zone, () => world.now());
  }
  const parts = { definition, configuration: apiToolConfigurationSchema.parse(configuration), credentials };
  return createHttpTool(parts, world.fetch);
}

/** What a built-in tool takes and what it is for. */
export function describeBuiltin(name: BuiltinConfiguration['builtin']): {
  description: string;
  parameters: JsonSchema;
} {
  return name === 'calculator'
    ? { description: calculatorDescription, parameters: calculatorParameters }
    : { description: currentTimeDescription, parameters: currentTimeParameters };
}
