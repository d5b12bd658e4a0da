/** A reason why set-up cannot go on, written as one paragraph for the person at the terminal, with the way out. */
export class SetupFailure extends Error {
  /** @param {string} message @param {{ cause?: unknown }} [options] */
  constructor(message, options) {
    super(message, options);
    this.name = 'SetupFailure';
  }
}

/**
 * Runs a script's main function; a `SetupFailure` is printed as its paragraph alone, anything else with its stack, and
 * both end the process with exit code 1.
 * @param {() => Promise<unknown>} main
 */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    if (error instanceof Error && error.name === 'SetupFailure') console.error(`\n${error.message}`);
    else console.error(error);
    process.exit(1);
  }
}
