import { checkOptions } from '../rules/check-options.js';
import { group, listOf, recognized, text, time, type OptionTable } from '../rules/option-rule.js';
import { withDefaults } from '../rules/with-defaults.js';
import { BackplaneSettings, type BackplaneOptions } from './backplane.js';

/** Engines give some characters a meaning, and bound the length of names. */
const PREFIX = /^[\w-]{1,64}$/;

const COMMON: OptionTable<keyof BackplaneOptions> = {
  prefix: recognized('1 to 64 letters, digits, _ and -', (value) => typeof value === 'string' && PREFIX.test(value)),
  node: text('a name for this node'),
  publishTimeoutMs: time(1),
  timeoutMs: time(1),
  nodeTimeoutMs: time(30),
  expose: listOf('a list of keys of connection.data', text()),
};

/**
 * Checks the options of a backplane; `own` are those that it has beside the common ones.
 * @throws ConfigurationError for one that is unknown or of the wrong kind.
 */
export function readBackplaneOptions(
  options: BackplaneOptions,
  className: string,
  own: OptionTable = {},
): BackplaneSettings {
  checkOptions(options, group({ ...own, ...COMMON }), { name: className });
  const { prefix, node, publishTimeoutMs, timeoutMs, nodeTimeoutMs, expose } = options;
  return withDefaults(BackplaneSettings, {
    ...(prefix !== undefined && { prefix }),
    ...(node !== undefined && { node }),
    ...(publishTimeoutMs !== undefined && { publishTimeoutMs }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(nodeTimeoutMs !== undefined && { nodeTimeoutMs }),
    ...(expose !== undefined && { expose: [...expose] }),
  });
}
