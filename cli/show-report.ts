import type { MaintenanceReport } from '../contracts/schedule.ts';
import { safeText } from './safe-text.ts';
import type { Terminal } from './terminal.ts';

/** Shows a report of maintenance: a line with what was decided, and below it what was seen and done. */
export function showReport(terminal: Terminal, report: MaintenanceReport, { json }: { json: boolean }): void {
  if (json) return terminal.json(report);
  const style = report.state === 'failed' ? 'red' : 'green';
  const subject = report.subject === null ? '' : ` ${safeText(report.subject)}`;
  const decided = report.decided === '' ? '' : `  ${safeText(report.decided)}`;
  terminal.line(
    `${report.started_at}  ${terminal.style(style, report.state.padEnd(7))} ${safeText(report.task)}${subject}${decided}`,
  );
  if (report.reason !== '') terminal.line(`  ${safeText(report.reason)}`);
  if (report.error !== null) terminal.line(`  ${report.error.code}: ${safeText(report.error.detail)}`);
  for (const [name, found] of [
    ['saw', report.saw],
    ['did', report.did],
  ] as const)
    if (Object.keys(found).length > 0) terminal.line(`  ${name} ${safeText(JSON.stringify(found))}`);
}
