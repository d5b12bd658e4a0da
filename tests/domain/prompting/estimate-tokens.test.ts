import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { estimateTokens } from '../../../domain/prompting/estimate-tokens.ts';
import { tokenCounter } from '../../../providers/tokens/token-counter.ts';

const page = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
const source = page('domain/prompting/assemble-prompt.ts');

const texts: ReadonlyArray<[string, string]> = [
  [
    'English prose',
    page('docs/architecture.md')
      .replaceAll(/[`|#-]/g, '')
      .slice(0, 20_000),
  ],
  ['Markdown with tables', page('docs/data-model.md')],
  ['code', source],
  ['JSON', page('tests/fixtures/data/agents.json')],
  ['indented JSON without spaces', JSON.stringify(JSON.parse(page('tests/entities/seed-fields.json')))],
  ['German', 'Die Kündigungsfrist beträgt drei Monate zum Quartalsende; Überstunden werden ausgeglichen. '.repeat(20)],
  ['Finnish', 'Irtisanomisaika on kolme kuukautta, ellei sopimuksessa toisin määrätä. '.repeat(20)],
  ['Turkish', 'Sözleşmede aksi belirtilmedikçe ihbar süresi üç aydır. '.repeat(20)],
  ['Greek', 'Η προθεσμία είναι τρεις μήνες, εκτός αν ορίζεται διαφορετικά στη σύμβαση. '.repeat(20)],
  ['Arabic', 'مدة الإشعار ثلاثة أشهر ما لم ينص العقد على خلاف ذلك. '.repeat(20)],
  ['Hindi', 'नोटिस की अवधि तीन महीने है, जब तक कि अनुबंध में अन्यथा न कहा गया हो। '.repeat(20)],
  ['Russian', 'Срок уведомления составляет три месяца, если договор не предусматривает иного. '.repeat(20)],
  ['Chinese', '合同的通知期限为三个月，除非另有约定。员工每年享有二十五天带薪年假。'.repeat(20)],
  ['Japanese', '契約の通知期間は、別段の定めがない限り三か月とする。有給休暇は年間二十五日です。'.repeat(20)],
  ['Korean', '계약의 통지 기간은 달리 정하지 않는 한 3개월로 한다. 연차 휴가는 25일이다. '.repeat(20)],
  ['numbers', Array.from({ length: 400 }, (_, n) => (n * 7_919_317) % 1_000_003).join(' ')],
  ['UUIDs', Array.from({ length: 40 }, (_, n) => `0192${n}f3a-7c1e-4bd2-9a0f-3e5d7c9b1a${n}f`).join('\n')],
];

describe.each([
  ['gpt-4o', 'o200k_base'],
  ['gpt-4-turbo', 'cl100k_base'],
])('compared with the tokenizer of %s', (id) => {
  test.each(texts)('an estimate of %s is on the safe side, and not far off', async (_name, text) => {
    const count = await tokenCounter({ id, capabilities: {} }, null);
    const ratio = estimateTokens(text) / count(text);
    expect(ratio).toBeGreaterThanOrEqual(0.85);
    expect(ratio).toBeLessThan(4.2);
  });
});

describe('tokenCounter', () => {
  test('counts by the encoding that the model or its row names', async () => {
    const text = 'Über 日本語 tokenization';
    const o200k = (await tokenCounter({ id: 'openai/gpt-4.1-mini', capabilities: {} }, null))(text);
    const named = (await tokenCounter({ id: 'my-model', capabilities: { tokenizer: 'o200k_base' } }, null))(text);
    expect(named).toBe(o200k);
    expect(o200k).toBe(5);
  });

  test('estimates an unknown model by what its provider has counted before', async () => {
    const model = { id: 'llama-4', capabilities: {} };
    const plain = (await tokenCounter(model, null))(source);
    expect(plain).toBe(estimateTokens(source));
    expect((await tokenCounter(model, 1.5))(source)).toBe(Math.ceil(plain * 1.5 * 1.1));
    expect((await tokenCounter(model, 0.01))(source)).toBe(Math.ceil(plain * 0.4));
  });

  test('takes what looks like a special token for text, and is quick with long runs without a space', async () => {
    const count = await tokenCounter({ id: 'gpt-4o', capabilities: {} }, null);
    expect(count('<|endoftext|>')).toBeGreaterThan(3);
    const began = performance.now();
    expect(count('a'.repeat(200_000))).toBeGreaterThan(20_000);
    expect(performance.now() - began).toBeLessThan(3000);
  });
});
