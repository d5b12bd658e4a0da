import { z } from 'zod';
import { idField, nameField, timeField, timestampFields } from './fields.ts';
import { checkTemplate } from './names/fill-template.ts';
import { promptTypes, variableTypes } from './names/template-variables.ts';

/** A variable of a prompt template as it is stored. */
export const templateVariableSchema = z.strictObject({
  name: z.string(),
  type: z.enum(variableTypes),
  required: z.boolean(),
  default: z.union([z.string(), z.number(), z.boolean()]).nullable(),
  values: z.array(z.string()),
  description: z.string(),
});

const definition = {
  name: z.string(),
  template: z.string(),
  variables: z.array(templateVariableSchema),
  type: z.enum(promptTypes).describe('What it is for; a template never changes its type'),
};

/** A reusable prompt; each change of its text or its variables raises `version`. */
export const promptTemplateSchema = z.strictObject({
  id: idField,
  ...definition,
  description: z.string(),
  is_default: z.boolean().describe('Used by every agent that has no template of this type itself'),
  version: z.int(),
  ...timestampFields,
});

/** A prompt template as it was with one version. */
export const promptTemplateVersionSchema = z.strictObject({ version: z.int(), ...definition, created_at: timeField });

const variableName = z.string().min(1).max(200);

/** A variable as a request gives it: its name alone is a text that must be there. */
const givenVariable = z
  .union([
    variableName,
    z.strictObject({
      name: variableName,
      type: z.enum(variableTypes).default('string'),
      required: z.boolean().default(true),
      default: z
        .union([z.string().max(10_000), z.number(), z.boolean()])
        .nullable()
        .default(null),
      values: z.array(z.string().min(1).max(200)).max(200).default([]).describe('Of an enum: what it may be'),
      description: z.string().max(2000).default(''),
    }),
  ])
  .transform((given) =>
    typeof given === 'string'
      ? { name: given, type: 'string' as const, required: true, default: null, values: [], description: '' }
      : given,
  );

const writable = {
  name: nameField,
  template: z.string().min(1).max(200_000).describe('With {{name}} where a variable goes'),
  description: z.string().max(10_000),
  variables: z.array(givenVariable).max(200),
  is_default: z.boolean().describe('At most one default of each type'),
};

/** Body of `POST /prompt-templates`. */
export const createPromptTemplateSchema = z
  .strictObject({
    ...writable,
    type: z.enum(promptTypes),
    description: writable.description.default(''),
    variables: writable.variables.default([]),
    is_default: writable.is_default.default(false),
  })
  .superRefine((body, context) => {
    for (const { path, message } of checkTemplate(body))
      context.addIssue({
        code: 'custom',
        path: path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
        message,
      });
  });

/** Body of `PATCH /prompt-templates/{id}`. */
export const updatePromptTemplateSchema = z.strictObject(writable).partial();
