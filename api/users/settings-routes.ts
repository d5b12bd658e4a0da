import { memorySettingsSchema, putMemorySettingsSchema, userMemoryParamsSchema } from '../../contracts/user-memory.ts';
import { findMemorySettings, putMemorySettings } from '../../entities/memory/user-memory-repository.ts';
import { actingUser } from '../framework/acting-user.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { requireSame } from './find-memory-owner.ts';

const path = '/users/{external_id}/memory/settings';
const tag = 'Users';

const get = defineRoute({
  method: 'GET',
  path,
  tag,
  summary: 'What a user has chosen about being remembered',
  scope: 'memory:read',
  params: userMemoryParamsSchema,
  responses: { 200: memorySettingsSchema },
  transaction: async (em, { params, user }) => {
    requireSame(params.external_id, user);
    const settings = await findMemorySettings(em, params.external_id);
    if (!settings) throw notFound('user');
    return { status: 200, body: settings };
  },
});

const put = defineRoute({
  method: 'PUT',
  path,
  tag,
  summary: 'Choose whether a user is remembered, and how much',
  description:
    'A user who opts out has `learn` and `recall` false: conversations teach nothing from now on, and prompts carry ' +
    'nothing of what is remembered, which stays until it is deleted.',
  scope: 'memory:write',
  params: userMemoryParamsSchema,
  body: putMemorySettingsSchema,
  example: { learn: false, recall: false },
  responses: { 200: memorySettingsSchema },
  transaction: async (em, request) => {
    const { params, body, user } = request;
    requireSame(params.external_id, user);
    const { id } = await actingUser(em, request, params.external_id);
    await putMemorySettings(em, id, body);
    return { status: 200, body };
  },
});

/** Routes of users' choices about their memories. */
export const settingsRoutes = [get, put];
