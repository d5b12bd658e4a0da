import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { defineRoute } from '../framework/route.ts';

const tag = 'Documentation';
const page = readFileSync(new URL('page.html', import.meta.url), 'utf8');

/** The description of the API for programs and for people; it needs a key like everything else. */
export const docsRoutes = [
  defineRoute({
    method: 'GET',
    path: '/openapi.json',
    tag,
    summary: 'This description as OpenAPI 3.1',
    scope: 'usage:read',
    responses: { 200: { mediaType: 'application/json', description: 'An OpenAPI document' } },
    handle: async (_request, deps) => ({
      status: 200,
      content: { mediaType: 'application/json; charset=utf-8', text: deps.openApi() },
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/docs',
    tag,
    summary: 'This description as a page on which requests can be tried',
    description: 'A browser asks for a name and a password: any name, and an API key as the password.',
    scope: 'usage:read',
    responses: { 200: { mediaType: 'text/html; charset=utf-8', description: 'The page' } },
    handle: async (_request, deps) => {
      const nonce = randomBytes(16).toString('base64');
      // "<" is written as an escape, so that no text of the description can end the script element.
      const text = page
        .replaceAll('%NONCE%', nonce)
        .replace('%OPENAPI%', () => deps.openApi().replaceAll('<', '\\u003c'));
      const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
      return {
        status: 200,
        content: { mediaType: 'text/html; charset=utf-8', text },
        headers: { 'content-security-policy': policy, 'cache-control': 'no-store' },
      };
    },
  }),
];
