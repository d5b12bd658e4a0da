import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildWorkflowBundle } from '../../platform/workflow-bundle.ts';

// For images: PERDURE_WORKFLOW_BUNDLE names the file, and a worker then bundles nothing when it starts.
const file = path.resolve(process.argv[2] ?? 'dist/workflow-bundle.js');
await mkdir(path.dirname(file), { recursive: true });
await writeFile(file, await buildWorkflowBundle());
process.stdout.write(`${file}\n`);
