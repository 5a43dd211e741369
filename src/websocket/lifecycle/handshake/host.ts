import type { RequestContext } from '../../request/request-context.js';
import type { PublicNames } from '../../request/public-names.js';
import { quote } from '../../errors/describe-error.js';
import { ForeignHostError, UpgradeRefusedError } from '../../errors/plack-websocket.error.js';

/**
 * Checks the host that a client asked for against the option `hosts`: a page whose name was pointed at this address
 * (DNS rebinding) has an origin that is the same as its `Host`.
 *
 * @throws UpgradeRefusedError `misdirected request`.
 */
export function checkHost(names: PublicNames, context: RequestContext): void {
  const { hosts } = names;
  if (hosts === undefined || names.has(context.clientSide)) return;
  const { host } = context;
  const cause = new ForeignHostError(
    host,
    hosts,
    `The client asked for the host ${quote(host)}, which is none of the option hosts: ${hosts.join(', ')}.`,
  );
  throw new UpgradeRefusedError('misdirected request', 'misdirected request', { cause });
}
