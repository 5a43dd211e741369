import { CACHE_MANAGER, CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Inject, Injectable } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { Cache } from 'cache-manager';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Caching implements Answers {
  #calls = 0;

  constructor(@Inject(CACHE_MANAGER) private readonly cache: Cache) {}

  async answer(question?: unknown): Promise<unknown> {
    const kept = await this.cache.wrap('kept', () => 'kept');
    // Pages are answered from the cache; messages of one connection share its URL and must not be.
    return question === undefined ? [kept, ++this.#calls] : [kept, question];
  }
}

export const neighbour: Neighbour = {
  imports: [CacheModule.register({ ttl: 60_000 })],
  providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
  answers: Caching,
};
