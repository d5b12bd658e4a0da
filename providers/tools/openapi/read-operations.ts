import type { ApiToolConfiguration } from '../../../contracts/tool-configuration.ts';
import type { OperationTool, ReadOperations } from '../../tool-workshop.ts';
import { placeArguments } from './place-arguments.ts';
import { isNode, resolve, type Node, type OpenApiDocument } from './read-document.ts';
import { SchemaConverter } from './convert-schema.ts';

const methods = { get: 'GET', head: 'HEAD', post: 'POST', put: 'PUT', patch: 'PATCH', delete: 'DELETE' } as const;

/**
 * Makes tools of a document's operations: of those that `wanted` names by operationId or as `GET /path`, else of all.
 * `server` goes before the document's own, which may be relative to `documentUrl`.
 */
export function readOperations(
  document: OpenApiDocument,
  {
    wanted,
    server,
    documentUrl,
  }: { wanted: readonly string[] | null; server: string | null; documentUrl: string | null },
): ReadOperations {
  const tools: OperationTool[] = [];
  const skipped: { operation: string; reason: string }[] = [];
  const found = new Set<string>();
  for (const [path, given] of Object.entries(document.root.paths as Node)) {
    if (!path.startsWith('/')) continue;
    for (const method of Object.keys(methods) as (keyof typeof methods)[]) {
      const operation = `${methods[method]} ${path}`;
      try {
        const item = resolve(document, given);
        if (!isNode(item[method])) continue;
        const described = item[method];
        const names = [operation, described.operationId].filter((name) => typeof name === 'string');
        if (wanted !== null && !names.some((name) => wanted.includes(name))) continue;
        for (const name of names) found.add(name);
        const base = server ?? serverOf([described, item, document.root], documentUrl);
        tools.push(makeTool(document, { path, method: methods[method], item, described, base }));
      } catch (error) {
        if (wanted === null || wanted.includes(operation) || found.has(operation))
          skipped.push({ operation, reason: (error as Error).message });
        found.add(operation);
      }
    }
  }
  return { title: document.title, tools, skipped, unknown: (wanted ?? []).filter((name) => !found.has(name)) };
}

type Operation = {
  path: string;
  method: ApiToolConfiguration['method'];
  item: Node;
  described: Node;
  base: string;
};

function makeTool(document: OpenApiDocument, { path, method, item, described, base }: Operation): OperationTool {
  const converter = new SchemaConverter(document);
  const { properties, required, places, body, warnings } = placeArguments(document, converter, {
    parameters: [...listOf(item.parameters), ...listOf(described.parameters)],
    requestBody: method === 'GET' || method === 'HEAD' ? undefined : described.requestBody,
  });
  const hasDefinitions = Object.keys(converter.definitions).length > 0;
  const texts = [described.summary, described.description].filter((text) => typeof text === 'string' && text !== '');
  return {
    operation: `${method} ${path}`,
    name: typeof described.operationId === 'string' ? described.operationId : `${method.toLowerCase()} ${path}`,
    description: [...new Set(texts)].join('\n').slice(0, 10_000),
    effect: method === 'GET' || method === 'HEAD' ? 'read' : 'write',
    configuration: { method, url: `${base}${path}`, arguments: places, headers: {}, query: {}, body },
    parameters: {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
      ...(hasDefinitions && { $defs: converter.definitions }),
    },
    warnings: [...new Set([...warnings, ...converter.warnings, ...securityOf(document, described)])],
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The address before the paths: of the operation, of the path, of the document, in this order. */
function serverOf(holders: readonly Node[], documentUrl: string | null): string {
  const server: unknown = holders.map((holder) => listOf(holder.servers)[0]).find(isNode);
  const template = isNode(server) && typeof server.url === 'string' ? server.url : '/';
  const variables = isNode(server) && isNode(server.variables) ? server.variables : {};
  const written = template.replaceAll(/\{([^}]+)\}/g, (whole, name: string) => {
    const variable = variables[name];
    return isNode(variable) && typeof variable.default === 'string' ? variable.default : whole;
  });
  const url = URL.parse(written, documentUrl ?? undefined);
  if (!url) throw new Error(`its server is "${written.slice(0, 200)}", which is no whole address: give server`);
  return `${url.origin}${url.pathname}`.replace(/\/$/, '');
}

function securityOf({ root }: OpenApiDocument, described: Node): string[] {
  const needs = Array.isArray(described.security) ? described.security : listOf(root.security);
  const schemes = needs.filter(isNode).flatMap((need) => Object.keys(need));
  const isOptional = needs.some((need) => isNode(need) && Object.keys(need).length === 0);
  if (schemes.length === 0 || isOptional) return [];
  return [`it asks for credentials (${[...new Set(schemes)].join(', ').slice(0, 200)})`];
}
