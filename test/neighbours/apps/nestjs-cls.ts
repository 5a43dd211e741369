import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ClsModule, ClsService } from 'nestjs-cls';
import type { Answers, Neighbour } from './neighbour.js';

/** What one call leaves in its store is there after an await, and gone in the next call. */
@Injectable()
class Stored implements Answers {
  constructor(private readonly store: ClsService) {}

  async answer(): Promise<unknown> {
    const before = this.store.get<string | undefined>('left');
    this.store.set('left', 'by this call');
    await nextTurn();
    return [before ?? 'nothing', this.store.get<string>('left'), typeof this.store.getId()];
  }
}

export const neighbour: Neighbour = {
  imports: [ClsModule.forRoot({ global: true, interceptor: { mount: true, generateId: true } })],
  answers: Stored,
};
