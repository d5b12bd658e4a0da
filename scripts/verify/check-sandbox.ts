import { workflowInterceptorModules } from '../../platform/telemetry/workflow-interceptor-modules.ts';
import { listSandboxFiles, ownFiles, strayFiles } from './sandbox-files.ts';

const files = await listSandboxFiles(workflowInterceptorModules);
const stray = strayFiles(files);
if (stray.length > 0) {
  console.error(
    'These files reach the workflow bundle and must not, because workflows are replayed. Import them by type only, or ' +
      `move what the workflow needs to domain/ or contracts/names/:\n${stray.map((file) => `  ${file}`).join('\n')}`,
  );
  process.exitCode = 1;
} else {
  console.log(`${ownFiles(files).length} of the product's files reach the workflow bundle, all from where they may.`);
}
