/** Thrown when a process cannot start as it is set up; the message is one paragraph for the operator, with the way out. */
export class StartError extends Error {}
