import {
  Inject,
  Injectable,
  Optional,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type Type,
} from '@nestjs/common';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';

/** How our own keys begin. */
const OURS = 'plack-websocket:';

/**
 * Refuses a part whose endpoint carries metadata of the application that the part lacks. A guard that looks for it, such as for
 * roles, finds the class of the handler, and a handler that moves into a part would lose it without a word.
 * @throws ConfigurationError with the key and both classes.
 */
export function refuseMissingMetadata(endpoint: Type, part: Type): void {
  const known = (keysOfNest ??= readKeysOfNest());
  const missing = (Reflect.getMetadataKeys(endpoint) as readonly (string | symbol)[]).find(
    (key) => !known.has(key) && !String(key).startsWith(OURS) && !Reflect.hasMetadata(key, part),
  );
  if (missing === undefined) return;
  throw new ConfigurationError(
    `${endpoint.name} carries the metadata ${String(missing)} and its part ${part.name} does not: a guard that reads it of ` +
      `the class would not find it for the handlers of ${part.name}. Put the same decorator on ${part.name}, with the value that holds there.`,
  );
}

let keysOfNest: ReadonlySet<unknown> | undefined;

/** What decorators of Nest and the compiler leave on a class; guards, pipes and the like cover a part anyway. */
function readKeysOfNest(): ReadonlySet<unknown> {
  class Probe {
    readonly property: unknown;
  }
  const decorators = [UseGuards(), UseInterceptors(), UsePipes(), UseFilters(), Injectable()];
  for (const decorate of decorators as readonly ClassDecorator[]) decorate(Probe);
  Inject('token')(Probe, undefined, 0);
  Optional()(Probe, undefined, 0);
  Inject('token')(Probe.prototype, 'property');
  Optional()(Probe.prototype, 'property');
  return new Set([...(Reflect.getMetadataKeys(Probe) as unknown[]), 'design:paramtypes', 'design:type']);
}
