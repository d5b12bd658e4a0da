import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import { currentTrace, inTrace } from '../../workflows/trace-context.ts';

const { step } = proxyActivities<{ step(name: string): Promise<string> }>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
});

export const submit = defineUpdate<void, [string]>('submit');
export const finish = defineSignal('finish');

/** An entity in the shape of a conversation: handlers queue, the main loop works. */
export async function entity(): Promise<number> {
  const queue: { name: string; trace: string | undefined }[] = [];
  let finished = false;
  let served = 0;
  setHandler(submit, (name) => void queue.push({ name, trace: currentTrace() }));
  setHandler(finish, () => void (finished = true));
  for (;;) {
    await condition(() => finished || queue.length > 0);
    const next = queue.shift();
    if (!next) return served;
    await inTrace(next.trace, 'turn', () => step(next.name)).catch(() => undefined);
    served += 1;
  }
}
