import { isToken } from './header.js';

/** One offer of `Sec-WebSocket-Extensions`: a name and parameters, a parameter without a value being `true`. */
interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

/** What RFC 7692 §7.1 allows as the value of each parameter in an offer. */
const DEFLATE_PARAMETERS: Readonly<Record<string, (value: string | true) => boolean>> = {
  server_no_context_takeover: (value) => value === true,
  client_no_context_takeover: (value) => value === true,
  server_max_window_bits: isWindowBits,
  client_max_window_bits: (value) => value === true || isWindowBits(value),
};

/** Tells whether the header is a list of extensions at all (RFC 6455 §9.1). */
export function isExtensionList(header: string): boolean {
  return parseOffers(header) !== undefined;
}

/**
 * The first offer of permessage-deflate that can be taken, as a header of its own. Offers with unknown, repeated or
 * invalid parameters are declined (RFC 7692 §5, §7.1); that is not an error.
 */
export function acceptableDeflateOffer(header: string): string | undefined {
  const offer = parseOffers(header)?.find(isAcceptable);
  if (offer === undefined) return undefined;
  const parameters = offer.parameters.map(([name, value]) => (value === true ? name : `${name}=${value}`));
  return [offer.name, ...parameters].join('; ');
}

function isAcceptable({ name, parameters }: ExtensionOffer): boolean {
  if (name !== 'permessage-deflate') return false;
  if (new Set(parameters.map(([parameter]) => parameter)).size !== parameters.length) return false;
  return parameters.every(
    ([parameter, value]) =>
      Object.hasOwn(DEFLATE_PARAMETERS, parameter) && DEFLATE_PARAMETERS[parameter]?.(value) === true,
  );
}

function parseOffers(header: string): ExtensionOffer[] | undefined {
  const offers: ExtensionOffer[] = [];
  for (const text of header.split(',')) {
    const [name = '', ...rest] = text.split(';').map((part) => part.trim());
    if (!isToken(name)) return undefined;
    const parameters: [string, string | true][] = [];
    for (const part of rest) {
      const [parameter = '', ...values] = part.split('=').map((piece) => piece.trim());
      const value = values.length === 0 ? true : unquote(values.join('='));
      if (!isToken(parameter) || (value !== true && !isToken(value))) return undefined;
      parameters.push([parameter, value]);
    }
    offers.push({ name, parameters });
  }
  return offers;
}

/** A quoted value must be a token once it is unquoted, so a comma or semicolon inside it is an error anyway. */
function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function isWindowBits(value: string | true): boolean {
  return value !== true && /^(?:8|9|1[0-5])$/.test(value);
}
