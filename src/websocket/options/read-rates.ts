import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { MessageRates } from '../limits/message-rates.js';
import type { RateOption } from '../limits/rate.options.js';
import { checkOptions } from '../rules/check-options.js';
import { group } from '../rules/option-rule.js';
import { RATE } from './option-tables.js';

/** The rates of one level of options; `undefined` for none. What a function gives is checked when it gives it. */
export function readRates(rate: RateOption | undefined, where: string): MessageRates | undefined {
  if (rate === undefined) return undefined;
  const place = { name: `${where}: what limits.rate gives` };
  return new MessageRates(rate, (given) => void checkOptions(given, group(RATE), place));
}

/**
 * A raw endpoint has neither a form for errors nor events.
 * @throws ConfigurationError for a rate of its own that needs one of them.
 */
export function refuseRateOfRaw(rate: RateOption | undefined, where: string): void {
  if (rate === undefined || typeof rate === 'function') return;
  const asked = rate.exceeded === 'answer' ? "exceeded: 'answer'" : rate.events === undefined ? undefined : 'events';
  if (asked === undefined) return;
  throw new ConfigurationError(
    `${where}: limits.rate has ${asked}, but the raw serializer has ${asked === 'events' ? 'none' : 'no form for errors'}. ` +
      `Set serializer: 'json', ${asked === 'events' ? 'or leave events out.' : "or exceeded: 'close'."}`,
  );
}
