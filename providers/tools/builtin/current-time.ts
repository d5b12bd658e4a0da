import type { Tool, ToolDefinition } from '../../tool.ts';

/** What the clock takes. */
export const currentTimeParameters = {
  type: 'object',
  properties: {
    time_zone: { type: 'string', description: 'IANA name such as Europe/Berlin or America/New_York' },
  },
  additionalProperties: false,
} as const;

/** What it is for, unless a tool says it otherwise. */
export const currentTimeDescription = 'Tells the present date, weekday and time in a time zone.';

/** A tool that tells the time by `now`, in the zone that a call names, else in `timeZone`. */
export function createCurrentTime(definition: ToolDefinition, timeZone: string, now: () => Date): Tool {
  return {
    definition,
    async run(args) {
      const zone = typeof args.time_zone === 'string' ? args.time_zone : timeZone;
      const content = isTimeZone(zone)
        ? describeTime(now(), zone)
        : `There is no time zone "${zone.slice(0, 100)}". Give an IANA name such as Europe/Berlin.`;
      return { content, isError: !isTimeZone(zone), truncated: false, bytes: Buffer.byteLength(content) };
    },
  };
}

/** Whether a name stands for a time zone of the IANA database. */
export function isTimeZone(name: string): boolean {
  // An offset such as +02:00 is understood as well, but is no zone: it knows no summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function describeTime(time: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  });
  const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
  const offset = parts.timeZoneName === 'GMT' ? '+00:00' : parts.timeZoneName!.replace('GMT', '');
  const { year, month, day, hour, minute, second, weekday } = parts;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${offset} (${weekday}, ${timeZone})`;
}
