import { holdStack } from '../../scripts/supervisor/hold-stack.ts';
import type { HeldStackOptions } from '../../scripts/supervisor/hold-stack.ts';

/** A program that holds servers and then waits to be killed. */
process.once('message', (options: HeldStackOptions) => void holdStack(options));
