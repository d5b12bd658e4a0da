import { gunzipSync } from 'node:zlib';
import { reportRun } from '../activities/evaluation/report-run.ts';
import { PerdureError } from '../contracts/errors.ts';
import { readGate } from '../domain/metrics/gates/read-gate.ts';
import { modelsOf } from '../domain/metrics/metric.ts';
import { metricCatalog } from '../domain/metrics/metric-catalog.ts';
import { readMetricChoice, type MetricRequestChoice } from '../domain/metrics/read-metric-choice.ts';
import { renderCsv } from '../domain/reports/render-csv.ts';
import { renderJunit } from '../domain/reports/render-junit.ts';
import { renderMarkdown } from '../domain/reports/render-markdown.ts';
import type { EvaluationReport } from '../domain/reports/evaluation-report.ts';
import type { EvaluationKey } from '../entities/evaluations/evaluation-repository.ts';
import { readCaseFile } from '../providers/evaluation-files/read-case-file.ts';
import type { Database } from './database.ts';

const formats = {
  json: { mediaType: 'application/json', render: (report: EvaluationReport) => JSON.stringify(report) },
  csv: { mediaType: 'text/csv', render: renderCsv },
  junit: { mediaType: 'application/xml', render: renderJunit },
  markdown: { mediaType: 'text/markdown', render: renderMarkdown },
};

/** Makes what the API needs of evaluations beside their rows. */
export function createEvaluationDesk(database: Pick<Database, 'inWorkspace'>) {
  return {
    readCaseFile,
    readMetric(given: unknown) {
      const read = readMetricChoice(given as MetricRequestChoice);
      if (!('choice' in read)) return read;
      const { label, metric, parameters } = read.choice;
      const asked = modelsOf(read.choice);
      return {
        metric: {
          label,
          name: metric.name,
          parameters: { ...parameters },
          needsJudge: asked.includes('judge'),
          needsEmbedding: asked.includes('embedding'),
        },
      };
    },
    readGate(given: unknown) {
      const read = readGate(given);
      return 'gate' in read ? { gate: { ...read.gate } } : read;
    },
    listMetrics: () =>
      metricCatalog.map(({ name, title, kind, source, parameters }) => ({
        name,
        title,
        kind,
        source,
        parameters: { ...parameters },
      })),
    async report(
      key: EvaluationKey,
      { format, baselineId }: { format: keyof typeof formats; baselineId: string | null },
    ): Promise<{ mediaType: string; text: string }> {
      const report = await reportRun(database, key, { baselineId, withCases: true });
      if (report === null) throw new PerdureError('not_found', 'There is no such evaluation in this workspace.');
      const { mediaType, render } = formats[format];
      return { mediaType, text: render(report) };
    },
    unpackHistory: (packed: Uint8Array) => gunzipSync(packed).toString('utf8'),
  };
}
