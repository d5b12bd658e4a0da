import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { OfficePackage } from './office-package.ts';

// Enough to see what kind of thing was left out.
const mostNames = 10;

/** A warning that names the files embedded in a document, if there are any. */
export function embeddedWarnings(office: OfficePackage): DocumentWarning[] {
  // A chart brings the table it was drawn from, which is read with the chart.
  const charts = office.names().filter((name) => /charts[\\/][^\\/]+\.xml$/i.test(name));
  const ofCharts = new Set(charts.map((chart) => office.related(chart, 'package')));
  const embedded = office
    .names()
    .filter((name) => /(?:^|[\\/])embeddings[\\/][^\\/]+$/i.test(name) && !ofCharts.has(name));
  if (embedded.length === 0) return [];
  const names = embedded.slice(0, mostNames).map((name) => name.slice(name.search(/[^\\/]+$/)));
  const more = embedded.length > mostNames ? ` and ${embedded.length - mostNames} more` : '';
  return [
    {
      code: 'skipped_attachment',
      detail: `Embedded files are not read: ${names.join(', ')}${more}. Send them as documents of their own.`,
    },
  ];
}
