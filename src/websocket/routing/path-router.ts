import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { PathPattern, type PathParams } from './path-pattern.js';

/** A pattern and who serves it. */
export interface Route<Target> {
  readonly pattern: PathPattern;
  readonly target: Target;
}

export interface RouteMatch<Target> {
  readonly target: Target;
  readonly params: PathParams;
  /** All that share the path with this one, itself included; `undefined` for the usual one alone. */
  readonly rivals: readonly Route<Target>[] | undefined;
}

const NO_PARAMS: PathParams = Object.freeze(Object.create(null) as PathParams);

/** Finds who serves a path: text before parameters, from the left. */
export class PathRouter<Target> {
  readonly #static = new Map<string, Route<Target>>();
  readonly #dynamic: readonly Route<Target>[];
  readonly #shapes = new Map<string, readonly Route<Target>[]>();

  /**
   * @param describe names a target in errors.
   * @param areApart tells whether two targets may share a path, because each request is for one of them only.
   * @throws ConfigurationError for two targets on one pattern, with both names and the remedy.
   */
  constructor(
    routes: readonly Route<Target>[],
    describe: (target: Target) => string,
    areApart: (one: Target, other: Target) => boolean = () => false,
  ) {
    for (const route of routes) {
      const { pattern, target } = route;
      const others = this.#shapes.get(pattern.shape) ?? [];
      const same = others.find((other) => !areApart(other.target, target));
      if (same !== undefined) {
        throw new ConfigurationError(
          `${describe(same.target)} (${same.pattern.source}) and ${describe(target)} (${pattern.source}) serve the same ` +
            'path. Give one of them another path, host or subprotocol, or merge the two classes.',
        );
      }
      this.#shapes.set(pattern.shape, [...others, route]);
    }
    const firsts = [...this.#shapes.values()].flatMap(([first]) => first ?? []);
    for (const route of firsts) if (route.pattern.isStatic) this.#static.set(route.pattern.shape, route);
    this.#dynamic = firsts
      .filter((route) => !route.pattern.isStatic)
      .sort((a, b) => PathPattern.compare(a.pattern, b.pattern));
  }

  /** Who serves exactly this text, which then is a path without parameters, escapes or query. */
  findExact(target: string | undefined): RouteMatch<Target> | undefined {
    const exact = target === undefined ? undefined : this.#static.get(target);
    return exact === undefined ? undefined : this.#matched(exact, NO_PARAMS);
  }

  /** Who serves the path; `undefined` if there is no match. One slash at the end is ignored. @throws URIError for broken percent-encoding. */
  find(path: string): RouteMatch<Target> | undefined {
    const exact = this.#static.get(path) ?? (path.endsWith('/') ? this.#static.get(path.slice(0, -1)) : undefined);
    if (exact !== undefined) return this.#matched(exact, NO_PARAMS);
    for (const route of this.#dynamic) {
      const params = route.pattern.match(path);
      if (params !== undefined) return this.#matched(route, params);
    }
    return undefined;
  }

  #matched({ target, pattern }: Route<Target>, params: PathParams): RouteMatch<Target> {
    const sharing = this.#shapes.get(pattern.shape);
    return { target, params, rivals: sharing !== undefined && sharing.length > 1 ? sharing : undefined };
  }
}
