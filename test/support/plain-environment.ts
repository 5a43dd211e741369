/**
 * The environment without what npm and jest have added to it: the options of the runner's Node, the settings of the
 * script that npm runs, `NODE_ENV=test`. A program gets what it would get in a shell.
 */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const added =
    /^(npm_(?!config_(registry|cache|userconfig)$)|NODE_OPTIONS$|NODE_ENV$|NODE$|JEST_WORKER_ID$|INIT_CWD$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.test(name)));
}
