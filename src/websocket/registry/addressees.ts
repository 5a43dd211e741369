import { Audience, type Addressee } from '../connection/audience.js';
import { isIterable, isText, kindOf } from '../connection/channel-name.js';
import { Connection } from '../connection/connection.js';

/**
 * Names and ids that `only` or `except` was given. A connection is its id, and no channel has the form of one, so that one
 * set holds both.
 * @throws TypeError for anything else.
 */
export function readAddressees(
  given: readonly (Addressee | Iterable<Addressee>)[],
  verb: 'only' | 'except',
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const one of given) {
    if (isText(one)) names.add(one);
    else if (one instanceof Connection) names.add(one.id);
    else if (isIterable(one) && !(one instanceof Audience)) for (const each of one) names.add(nameOf(each, verb));
    else refuse(one, verb);
  }
  return names;
}

function nameOf(given: unknown, verb: string): string {
  if (isText(given)) return given;
  return given instanceof Connection ? given.id : refuse(given, verb);
}

function refuse(given: unknown, verb: string): never {
  if (given instanceof Audience) {
    throw new TypeError(`${verb} takes no audience: name its channels, or give ${verb}(audience.connections()).`);
  }
  throw new TypeError(`${verb} takes channels, ids and connections, or lists of them, not ${kindOf(given)}.`);
}

/** What several calls of `except` leave out; joined when it is first needed, so that many calls cost no more than one. */
export class Exceptions {
  #joined: ReadonlySet<string> | undefined;

  constructor(
    private readonly names: ReadonlySet<string>,
    private readonly earlier: Exceptions | undefined,
  ) {}

  get all(): ReadonlySet<string> {
    return (this.#joined ??= this.earlier === undefined ? this.names : this.#join());
  }

  #join(): ReadonlySet<string> {
    const names = new Set(this.names);
    for (let step = this.earlier; step !== undefined; step = step.earlier)
      for (const name of step.names) names.add(name);
    return names;
  }
}
