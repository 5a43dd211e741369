/** The Redis of the machine. */
export const REDIS = { host: '127.0.0.1', port: 6379 };
