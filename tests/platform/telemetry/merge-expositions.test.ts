import { expect, test } from '@jest/globals';
import { mergeExpositions } from '../../../platform/telemetry/merge-expositions.ts';

test('every metric has its HELP and TYPE once, followed by all its samples', () => {
  const ours = '# HELP calls_total Calls\n# TYPE calls_total counter\ncalls_total{service="api"} 1\n';
  const theirs =
    '# TYPE calls_total counter\ncalls_total{service="worker"} 2\n# HELP wait Wait\n# TYPE wait histogram\nwait_bucket{le="1"} 1\nwait_sum 0.5\nwait_count 1\n';
  expect(mergeExpositions([ours, '', theirs])).toBe(
    '# HELP calls_total Calls\n# TYPE calls_total counter\ncalls_total{service="api"} 1\ncalls_total{service="worker"} 2\n' +
      '# HELP wait Wait\n# TYPE wait histogram\nwait_bucket{le="1"} 1\nwait_sum 0.5\nwait_count 1\n',
  );
});

test('a metric whose name begins like the one before stays apart', () => {
  expect(mergeExpositions(['# TYPE a counter\na 1\na_b 2\n'])).toBe('# TYPE a counter\na 1\na_b 2\n');
});
