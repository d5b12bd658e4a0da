import { execFile } from 'node:child_process';
import { cp, mkdtemp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** One finding of oxlint: the file inside the tree, the line it starts on, and the rule. */
export type Finding = { file: string; line: number; rule: string };

/** A throw-away copy of the product's sources in which faults can be planted and linted. */
export type PlantedTree = {
  plant(file: string, text: string): Promise<void>;
  lint(): Promise<Finding[]>;
  remove(): Promise<void>;
};

const root = path.resolve(import.meta.dirname, '../..');

const run = (command: string, args: string[], cwd: string): Promise<{ stdout: string; stderr: string }> =>
  new Promise((resolve, reject) => {
    execFile(command, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      // oxlint exits 1 when it has findings; anything else than 0 and 1 is a fault of the run itself.
      if (error && error.code !== 1) reject(new Error(`${command} failed in ${cwd}: ${stderr || error.message}`));
      else resolve({ stdout, stderr });
    });
  });

/** The files that oxlint would see in a checkout: tracked ones and new ones, without what .gitignore names. */
export async function sourceFiles(): Promise<string[]> {
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], root);
  return stdout.split('\0').filter((file) => /\.(?:ts|mjs)$|^\.oxlintrc\.json$|^tsconfig\.json$/.test(file));
}

/**
 * Makes a temporary folder with this checkout's lint rules and packages. `sources` copies the sources there as well;
 * `typeAware` runs the rules that need types, which takes seconds with the sources and little without them.
 */
export async function plantedTree(options: { sources: boolean; typeAware: boolean }): Promise<PlantedTree> {
  const folder = await mkdtemp(path.join(tmpdir(), 'perdure-fences-'));
  const files = options.sources ? await sourceFiles() : ['.oxlintrc.json', 'tsconfig.json'];
  for (const file of files) {
    // A tracked file that was deleted but not committed is still listed.
    await cp(path.join(root, file), path.join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, '.gitignore'), 'node_modules\n');
  const rules = path.join(folder, '.oxlintrc.json');
  const config = JSON.parse(await readFile(rules, 'utf8')) as { options: object };
  config.options = { ...config.options, typeAware: options.typeAware };
  await writeFile(rules, JSON.stringify(config));
  return {
    async plant(file, text) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), text);
    },
    async lint() {
      const { stdout } = await run(path.join(root, 'node_modules/.bin/oxlint'), ['--format=json', '.'], folder);
      const report = JSON.parse(stdout) as {
        diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[];
      };
      return report.diagnostics.map(({ code, filename, labels }) => ({
        file: filename,
        line: labels[0]?.span.line ?? 0,
        rule: code,
      }));
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
