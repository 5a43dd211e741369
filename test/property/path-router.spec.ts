import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PathPattern } from '../../src/websocket/routing/path-pattern.js';
import { PathRouter } from '../../src/websocket/routing/path-router.js';

/** A segment of a pattern, from the most special to the least: text, text and a parameter, a parameter, a wildcard. */
type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'mixed'; readonly text: string }
  | { readonly kind: 'param' }
  | { readonly kind: 'wildcard' };

const RANK: Readonly<Record<Segment['kind'], number>> = { text: 0, mixed: 1, param: 2, wildcard: 3 };

const text = fc.constantFrom('a', 'b', 'ab', 'c');
const segment: fc.Arbitrary<Segment> = fc.oneof(
  { weight: 4, arbitrary: text.map((value): Segment => ({ kind: 'text', text: value })) },
  { weight: 1, arbitrary: text.map((value): Segment => ({ kind: 'mixed', text: `${value}-` })) },
  { weight: 3, arbitrary: fc.constant<Segment>({ kind: 'param' }) },
);
const pattern: fc.Arbitrary<Segment[]> = fc
  .tuple(fc.array(segment, { minLength: 0, maxLength: 3 }), fc.boolean())
  .map(([segments, wildcard]): Segment[] => (wildcard ? [...segments, { kind: 'wildcard' }] : segments));
const patterns = fc.uniqueArray(pattern, {
  minLength: 1,
  maxLength: 8,
  selector: (segments) => sourceOf(segments, () => 'x'),
});

const part = fc.constantFrom('a', 'b', 'ab', 'c', 'a-1', 'b-', 'd', '%61', 'x%2Fy', '');
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);

function sourceOf(segments: readonly Segment[], nameOf: (index: number) => string): string {
  const parts = segments.map((one, index) => {
    if (one.kind === 'text') return one.text;
    if (one.kind === 'mixed') return `${one.text}:${nameOf(index)}`;
    return `${one.kind === 'param' ? ':' : '*'}${nameOf(index)}`;
  });
  return `/${parts.join('/')}`;
}

/** Matches segment by segment, as a person would; `undefined` when it does not. One slash at the end is ignored. */
function matchNaively(segments: readonly Segment[], target: string): Record<string, unknown> | undefined {
  const params: Record<string, unknown> = {};
  const exact = (parts: readonly string[]): boolean => {
    for (const [index, one] of segments.entries()) {
      const given = parts[index];
      if (one.kind === 'wildcard') {
        if (given === undefined || parts.slice(index).join('/') === '') return false;
        params[`p${index}`] = parts.slice(index).map(decodeURIComponent);
        return true;
      }
      if (given === undefined || given === '') return false;
      if (one.kind === 'text' && given !== one.text) return false;
      if (one.kind === 'mixed' && !(given.startsWith(one.text) && given.length > one.text.length)) return false;
      if (one.kind === 'mixed') params[`p${index}`] = decodeURIComponent(given.slice(one.text.length));
      if (one.kind === 'param') params[`p${index}`] = decodeURIComponent(given);
    }
    return parts.length === segments.length;
  };
  const partsOf = (whole: string): string[] => (whole === '/' || whole === '' ? [] : whole.slice(1).split('/'));
  if (exact(partsOf(target))) return params;
  return target.endsWith('/') && exact(partsOf(target.slice(0, -1))) ? params : undefined;
}

/** Compares two patterns that match one path: the first segment from the left that differs decides. */
function isMoreSpecial(a: readonly Segment[], b: readonly Segment[]): boolean {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = RANK[a[index]?.kind ?? 'wildcard'] - RANK[b[index]?.kind ?? 'wildcard'];
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function routerOf(all: readonly (readonly Segment[])[]): PathRouter<readonly Segment[]> {
  return new PathRouter(
    all.map((target) => ({ pattern: new PathPattern(sourceOf(target, (index) => `p${index}`)), target })),
    (target) => sourceOf(target, (index) => `p${index}`),
  );
}

describe('the path router', () => {
  it('finds a pattern that matches, with its parameters, whenever there is one', () => {
    fc.assert(
      fc.property(patterns, path, (all, target) => {
        const found = routerOf(all).find(target);
        const matching = all.filter((one) => matchNaively(one, target) !== undefined);
        expect(found !== undefined).toBe(matching.length > 0);
        if (found !== undefined) expect({ ...found.params }).toEqual(matchNaively(found.target, target));
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds none when a more special one matches as well: text before parameters, from the left', () => {
    fc.assert(
      fc.property(patterns, path, (all, target) => {
        const found = routerOf(all).find(target)?.target;
        if (found === undefined) return;
        const better = all.filter((one) => matchNaively(one, target) !== undefined && isMoreSpecial(one, found));
        expect(better.map((one) => sourceOf(one, () => 'x'))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not depend on the order of the patterns', () => {
    fc.assert(
      fc.property(patterns, path, (all, target) => {
        const [one, other] = [routerOf(all).find(target), routerOf(all.toReversed()).find(target)];
        expect(other?.target.map(({ kind }) => kind)).toEqual(one?.target.map(({ kind }) => kind));
      }),
    );
  });

  it('refuses two patterns that differ in the names of their parameters only', () => {
    fc.assert(
      fc.property(pattern, fc.nat({ max: 5 }), (segments, offset) => {
        const routes = [
          { pattern: new PathPattern(sourceOf(segments, (index) => `a${index}`)), target: 'first' },
          { pattern: new PathPattern(sourceOf(segments, (index) => `b${index + offset}`)), target: 'second' },
        ];
        expect(() => new PathRouter(routes, String)).toThrow(/first.*second/s);
      }),
    );
  });

  it('builds paths that it finds again, whatever the parameters are', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(value, value, (room, member) => {
        const one = new PathPattern('/rooms/:room/members/:member');
        expect({ ...one.match(one.build({ room, member })) }).toEqual({ room, member });
      }),
    );
  });
});
