import { spawn } from 'node:child_process';

/** Runs the server that the first message describes until it ends, or the process at the other end is gone. */
process.once('message', ({ command, args }) => {
  const server = spawn(command, args, { stdio: 'ignore' });
  process.once('disconnect', () => server.kill('SIGTERM'));
  server.once('exit', () => process.exit());
});
