import { z } from 'zod';

const cronFields = [
  { name: 'minute', least: 0, most: 59, names: '' },
  { name: 'hour', least: 0, most: 23, names: '' },
  { name: 'day of the month', least: 1, most: 31, names: '' },
  { name: 'month', least: 1, most: 12, names: 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec' },
  { name: 'day of the week', least: 0, most: 7, names: 'sun|mon|tue|wed|thu|fri|sat' },
] as const;

/** What is wrong with a cron expression of five fields, null when nothing is. */
function cronMistake(expression: string): string | null {
  const fields = expression.trim().toLowerCase().split(/\s+/);
  if (fields.length !== cronFields.length)
    return 'must have five fields: minute, hour, day of month, month, day of week';
  const wrong = cronFields.find((field, index) => !fields[index]!.split(',').every((part) => isCronPart(part, field)));
  return wrong === undefined
    ? null
    : `the ${wrong.name} must be *, a number from ${wrong.least} to ${wrong.most}, a range or */n`;
}

function isCronPart(part: string, { least, most, names }: (typeof cronFields)[number]): boolean {
  const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  const isValue = (value: string) =>
    /^\d+$/.test(value)
      ? Number(value) >= least && Number(value) <= most
      : names.split('|').includes(value) && names !== '';
  if (from === undefined || (from === '*' && to !== undefined) || step === '0') return false;
  return (from === '*' || isValue(from)) && (to === undefined || isValue(to));
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** When a source is brought up to date by itself: every so many seconds, or by a cron expression in a time zone. */
export const sourceScheduleSchema = z.union([
  z.strictObject({ every_seconds: z.int().min(1).max(31_536_000) }),
  z.strictObject({
    cron: z
      .string()
      .max(200)
      .superRefine((expression, context) => {
        const message = cronMistake(expression);
        if (message !== null) context.addIssue({ code: 'custom', message });
      }),
    time_zone: z
      .string()
      .max(100)
      .refine(isTimeZone, 'must be an IANA time zone, such as Europe/Berlin')
      .default('UTC'),
  }),
]);

export type SourceSchedule = z.infer<typeof sourceScheduleSchema>;
