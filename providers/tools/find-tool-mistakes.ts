import { apiToolConfigurationSchema, type ApiToolConfiguration } from '../../contracts/tool-configuration.ts';
import type { ToolCredentials } from '../../contracts/tool-configuration.ts';
import { findSchemaMistake } from './arguments/validate-arguments.ts';
import { isTimeZone } from './builtin/current-time.ts';
import { pathParameters, placeOf } from './http/build-request.ts';
import type { JsonSchema } from '../tool.ts';
import type { DeclaredTool } from '../tool-workshop.ts';

type ToolMistake = { path: string; message: string };

const writingMethods = new Set(['PUT', 'PATCH', 'DELETE']);
const framing = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'idempotency-key']);

/** What in a declaration would make each call fail, or do other than it says. */
export function findToolMistakes(tool: DeclaredTool): ToolMistake[] {
  if (tool.type === 'builtin') {
    const { time_zone: zone } = tool.configuration;
    return [
      ...(typeof zone === 'string' && !isTimeZone(zone)
        ? [{ path: 'configuration.time_zone', message: 'is no IANA time zone, such as Europe/Berlin' }]
        : []),
      ...approvalMistakes(tool),
    ];
  }
  const schema = findSchemaMistake(tool.parameters);
  if (schema !== null) return [{ path: 'parameters', message: schema }];
  const configuration = apiToolConfigurationSchema.parse(tool.configuration);
  return [
    ...placeMistakes(configuration, tool.parameters),
    ...credentialMistakes(configuration, tool.credentials),
    ...approvalMistakes(tool),
    ...(tool.effect === 'read' && writingMethods.has(configuration.method)
      ? [{ path: 'effect', message: `${configuration.method} changes things, so the tool writes` }]
      : []),
  ];
}

function placeMistakes(configuration: ApiToolConfiguration, parameters: JsonSchema): ToolMistake[] {
  const mistakes: ToolMistake[] = [];
  const names = argumentNames(parameters);
  const say = (path: string, message: string) => mistakes.push({ path, message });
  if (!URL.canParse(configuration.url.replaceAll(/[{}]/g, ''))) say('configuration.url', 'is no address');
  for (const argument of Object.keys(configuration.arguments))
    if (!names.includes(argument))
      say(`configuration.arguments.${argument}`, 'is no property of parameters, so it can never be given');
  const places = names.map((argument) => ({ argument, place: placeOf(configuration, argument) }));
  const inPath = places.filter(({ place }) => place.in === 'path');
  for (const name of new Set(pathParameters(configuration.url))) {
    const filling = inPath.find(({ argument, place }) => (place.name ?? argument) === name);
    if (!filling) say('configuration.url', `needs {${name}}, and no argument goes there`);
    else if (!requiredNames(parameters).includes(filling.argument))
      say('parameters.required', `must name "${filling.argument}", which the address needs`);
  }
  for (const { argument, place } of inPath)
    if (!pathParameters(configuration.url).includes(place.name ?? argument))
      say(`configuration.arguments.${argument}`, `the address has no {${place.name ?? argument}}`);
  const inBody = places.filter(({ place }) => place.in === 'body');
  if (inBody.length > 0 && ['GET', 'HEAD'].includes(configuration.method))
    say('configuration.arguments', `${configuration.method} has no body`);
  if (inBody.length > 1 && inBody.some(({ place }) => place.in === 'body' && place.whole))
    say('configuration.arguments', 'one argument is the whole body, so no other can go there');
  return mistakes;
}

/** An argument beside the credential could take its place. */
function credentialMistakes(configuration: ApiToolConfiguration, credentials: ToolCredentials | null): ToolMistake[] {
  if (credentials?.type !== 'header' && credentials?.type !== 'query') return [];
  const name = credentials.name.toLowerCase();
  if (credentials.type === 'header' && framing.has(name))
    return [{ path: 'credentials.name', message: `${name} is set by Perdure` }];
  const placed = Object.entries(configuration.arguments).filter(
    ([argument, place]) => place.in === credentials.type && (place.name ?? argument).toLowerCase() === name,
  );
  return placed.map(([argument]) => ({
    path: `configuration.arguments.${argument}`,
    message: `goes where the credential goes (${credentials.type} ${credentials.name})`,
  }));
}

/** A condition over an argument that does not exist would never ask anybody. */
function approvalMistakes({ approval, parameters }: DeclaredTool): ToolMistake[] {
  if (approval.mode !== 'when') return [];
  const names = argumentNames(parameters);
  return fieldsOf(approval.condition)
    .filter((field) => !names.includes(firstName(field)))
    .map((field) => ({ path: 'approval.condition', message: `there is no argument "${firstName(field)}"` }));
}

function fieldsOf(condition: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(condition).flatMap(([key, value]) => {
    if (key === 'not') return fieldsOf(value as Record<string, unknown>);
    if (key === 'and' || key === 'or') return (value as Record<string, unknown>[]).flatMap(fieldsOf);
    return [key];
  });
}

function firstName(field: string): string {
  const [, quoted, plain] = /^(?:"([^"]+)"|([^."]+))/.exec(field) ?? [];
  return quoted ?? plain ?? field;
}

function argumentNames({ properties }: JsonSchema): string[] {
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function requiredNames({ required }: JsonSchema): unknown[] {
  return Array.isArray(required) ? required : [];
}
