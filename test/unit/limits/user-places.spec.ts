import { describe, expect, it } from '@jest/globals';
import { UserPlaces, type PlaceHolder, type UserPlace } from '../../../src/websocket/limits/user-places.js';

/** A connection that leaves its place when it is told to give way. */
class Holder implements PlaceHolder, UserPlace {
  closedWith: number | undefined;
  #isThere = false;

  constructor(
    private readonly places: UserPlaces,
    private readonly user = 'ada',
  ) {}

  /** There is no connection to close while the handshake is concluded. */
  get holder(): PlaceHolder | undefined {
    return this.#isThere ? this : undefined;
  }

  enter(): boolean {
    return this.places.take(this.user, this);
  }

  establish(): void {
    this.#isThere = true;
    this.places.settle(this.user, this);
  }

  giveWay(code: number): void {
    this.closedWith = code;
    this.places.release(this.user, this);
  }
}

describe('the places of a user', () => {
  it('are as many as the limit says, and free again once they are given back', () => {
    const places = new UserPlaces(2);
    const [first, second, third] = [new Holder(places), new Holder(places), new Holder(places)];
    expect([first, second, third].map((one) => one.enter())).toEqual([true, true, false]);
    expect(new Holder(places, 'grace').enter()).toBe(true);
    places.release('ada', first);
    expect(third.enter()).toBe(true);
  });

  it('count one once, however often it is given back', () => {
    const places = new UserPlaces({ max: 1 });
    const [first, second] = [new Holder(places), new Holder(places)];
    first.enter();
    places.release('ada', first);
    second.enter();
    places.release('ada', first);
    expect(first.enter()).toBe(false);
  });

  it('go to the connection that is there last: the oldest ones close with the code', () => {
    const places = new UserPlaces({ max: 2, exceeded: 'replace', code: 4_010 });
    const [first, second, third, late] = Array.from({ length: 4 }, () => new Holder(places)) as [
      Holder,
      Holder,
      Holder,
      Holder,
    ];
    // A handshake that began first and is concluded last is the newest connection.
    for (const one of [late, first, second, third]) expect(one.enter()).toBe(true);
    for (const one of [first, second, late]) one.establish();
    expect([first, second, third, late].map((one) => one.closedWith)).toEqual([4_010, 4_010, undefined, undefined]);
  });

  it('have one connection and 4409 where only the replacing is chosen', () => {
    const places = new UserPlaces({ exceeded: 'replace' });
    const [first, second] = [new Holder(places), new Holder(places)];
    for (const one of [first, second]) {
      one.enter();
      one.establish();
    }
    expect([first.closedWith, second.closedWith]).toEqual([4_409, undefined]);
  });
});
