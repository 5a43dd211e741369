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
}

const NO_PARAMS: PathParams = Object.freeze(Object.create(null) as PathParams);

/** Finds who serves a path: text before parameters, from the left. */
export class PathRouter<Target> {
  readonly #static = new Map<string, Target>();
  readonly #dynamic: readonly Route<Target>[];

  /**
   * @param describe names a target in errors.
   * @throws ConfigurationError for two targets on one pattern, with both names and the remedy.
   */
  constructor(routes: readonly Route<Target>[], describe: (target: Target) => string) {
    const shapes = new Map<string, Route<Target>>();
    for (const route of routes) {
      const other = shapes.get(route.pattern.shape);
      if (other !== undefined) {
        throw new ConfigurationError(
          `${describe(other.target)} (${other.pattern.source}) and ${describe(route.target)} (${route.pattern.source}) ` +
            'serve the same path. Give one of them another path, or merge the two classes.',
        );
      }
      shapes.set(route.pattern.shape, route);
      if (route.pattern.isStatic) this.#static.set(route.pattern.shape, route.target);
    }
    this.#dynamic = routes
      .filter((route) => !route.pattern.isStatic)
      .sort((a, b) => PathPattern.compare(a.pattern, b.pattern));
  }

  /** Who serves exactly this text, which then is a path without parameters, escapes or query. */
  findExact(target: string | undefined): RouteMatch<Target> | undefined {
    const exact = target === undefined ? undefined : this.#static.get(target);
    return exact === undefined ? undefined : { target: exact, params: NO_PARAMS };
  }

  /** Who serves the path, if anybody. One slash at the end is ignored. @throws URIError for broken percent-encoding. */
  find(path: string): RouteMatch<Target> | undefined {
    const exact = this.#static.get(path) ?? (path.endsWith('/') ? this.#static.get(path.slice(0, -1)) : undefined);
    if (exact !== undefined) return { target: exact, params: NO_PARAMS };
    for (const { pattern, target } of this.#dynamic) {
      const params = pattern.match(path);
      if (params !== undefined) return { target, params };
    }
    return undefined;
  }
}
