import { describe, expect, it } from '@jest/globals';
import { MOVES, Phase, type Move } from '../../../src/websocket/connection/connection-moves.js';

const moves = Object.entries(MOVES).flatMap(([event, row]) =>
  row.flatMap((move: Move | undefined, from) => (move === undefined ? [] : [{ event, from, to: move[0] }])),
);

describe('the moves of a connection', () => {
  it('never lead back', () => {
    expect(moves.filter(({ from, to }) => to < from)).toEqual([]);
  });

  it.each([
    ['open', Phase.open, ['establishSettles']],
    ['closing', Phase.closing, ['isEnded', 'isCut', 'peerCloses', 'peerEnds', 'peerErrs']],
    ['ended', Phase.ended, ['socketCloses']],
    ['finishing', Phase.finishing, ['nothingIsLeft']],
    ['finished', Phase.finished, ['finishSettles']],
  ])('lead to %s by what may begin it, and from nowhere but the phase before', (_name, phase, events) => {
    const there = moves.filter(({ from, to }) => to === phase && from !== to);
    expect([...new Set(there.map(({ event }) => event))]).toEqual(events);
    const before = phase === Phase.closing ? [Phase.establishing, Phase.open] : [phase - 1];
    expect([...new Set(there.map(({ from }) => from))]).toEqual(before);
  });
});
