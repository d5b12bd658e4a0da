import { installDependencies } from './setup/install-dependencies.mjs';
import { runScript } from './setup/setup-failure.mjs';
import { checks, runChecks } from './verify/run-checks.mjs';

const print = (/** @type {string} */ line) => {
  console.log(line);
};

await runScript(async () => {
  await installDependencies({ development: true, env: process.env, log: print });
  const verdicts = await runChecks(checks, print);
  const failed = verdicts.filter(({ passed }) => !passed);
  for (const { check, output } of failed) {
    print(`\n── ${check.title}: \`${check.command.join(' ')}\` failed. To mend it: ${check.remedy}\n${output}`);
  }
  print(`${verdicts.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
});
