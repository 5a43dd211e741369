import { compile, match, parse, type MatchFunction, type ParamData, type Token } from 'path-to-regexp';
import { describeError } from '../errors/describe-error.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';

/** Parameters of a path, decoded. */
export type PathParams = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How special one segment is: text before text with parameters, before a parameter, before a wildcard. */
type SegmentRank = 0 | 1 | 2 | 3;

/** One path pattern of `path-to-regexp`: matches paths, builds them, and knows how special it is. */
export class PathPattern {
  readonly #match: MatchFunction<ParamData>;
  readonly #build: (params?: ParamData) => string;
  /** Rank of each segment from the left; what decides which of two matching patterns serves. */
  readonly ranks: readonly SegmentRank[];
  /** The pattern without the names of its parameters: two patterns of one shape match the same paths. */
  readonly shape: string;
  /** The pattern has no parameters, so a path can be compared with it as text. */
  readonly isStatic: boolean;

  /** @throws ConfigurationError when the pattern does not parse. */
  constructor(readonly source: string) {
    try {
      const { tokens } = parse(source);
      this.#match = match(source, { sensitive: true });
      this.#build = compile(source);
      this.shape = shapeOf(tokens);
      this.isStatic = tokens.every((token) => token.type === 'text');
      this.ranks = this.shape.split('/').slice(1).map(rankOf);
    } catch (error) {
      throw new ConfigurationError(
        `The path ${JSON.stringify(source)} is not a pattern of path-to-regexp: ${describeError(error)}`,
        { cause: error },
      );
    }
  }

  /** Parameters of a path that matches, else `undefined`. @throws URIError for broken percent-encoding. */
  match(path: string): PathParams | undefined {
    const found = this.#match(path);
    return found === false ? undefined : found.params;
  }

  /** Builds a path. @throws TypeError when a parameter is missing. */
  build(params: Readonly<Record<string, string>>): string {
    return this.#build({ ...params });
  }

  /** Sorts the more special pattern first: the first segment from the left that differs decides. */
  static compare(this: void, a: PathPattern, b: PathPattern): number {
    const shared = Math.min(a.ranks.length, b.ranks.length);
    for (let i = 0; i < shared; i++) {
      const difference = (a.ranks[i] ?? 0) - (b.ranks[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return b.ranks.length - a.ranks.length;
  }
}

/** Joins path parts with exactly one slash between them and none at the end; `''` and `'/'` are the root. */
export function joinPath(...parts: readonly string[]): string {
  const segments = parts.map((part) => part.replace(/^\/+|\/+$/g, '')).filter((part) => part !== '');
  return `/${segments.join('/')}`;
}

/** What stands for parameters, wildcards and groups in a shape; no path can hold them, so text is never taken for one. */
const PARAMETER = '\u0001';
const WILDCARD = '\u0002';
const GROUP_START = '\u0003';
const GROUP_END = '\u0004';

function shapeOf(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if (token.type === 'text') return token.value;
      if (token.type === 'group') return `${GROUP_START}${shapeOf(token.tokens)}${GROUP_END}`;
      return token.type === 'param' ? PARAMETER : WILDCARD;
    })
    .join('');
}

function rankOf(segment: string): SegmentRank {
  if (segment.includes(WILDCARD)) return 3;
  if (segment === PARAMETER) return 2;
  return segment.includes(PARAMETER) || segment.includes(GROUP_START) ? 1 : 0;
}
