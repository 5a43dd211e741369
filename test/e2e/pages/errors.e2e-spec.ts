import { expect, it } from '@jest/globals';
import { Catch, Logger, NotFoundException, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { MessageBody, type WsResponse } from '@nestjs/websockets';
import { Connection, OnError, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import { startApp } from '../../support/start-app.js';
import { playTranscript, transcriptsOf } from '../../support/transcript.js';

// #region filter
class SoldOutError extends Error {
  constructor(readonly item: string) {
    super(`${item} is sold out`);
  }
}

/** Answers in place of the default. What it returns is sent like a reply, with the `id` of the message. */
@Catch(SoldOutError)
class SoldOutFilter implements ExceptionFilter<SoldOutError> {
  catch({ item }: SoldOutError): WsResponse<{ item: string }> {
    return { event: 'sold_out', data: { item } };
  }
}
// #endregion filter

// #region endpoint
@UseFilters(SoldOutFilter)
@WsEndpoint({ path: 'shop', serializer: 'json' })
class ShopEndpoint {
  readonly #logger = new Logger('Shop');

  @OnMessage('buy')
  buy(@MessageBody('item') item: string): string {
    if (item === 'tea') throw new SoldOutError(item); // the filter answers
    if (item === 'moon') throw new NotFoundException(`there is only one ${item}`); // has a text for clients
    if (item === '') throw new Error('SELECT * FROM items failed'); // has a text for your log alone
    return `one ${item} for you`;
  }

  /** Hears of what the filter did not take. It only looks, so the default answer follows. */
  @OnError()
  report(_connection: Connection, error: unknown): void {
    this.#logger.warn(`no sale: ${String(error)}`);
  }
}
// #endregion endpoint

it('the shop of docs/guide/05-errors.md answers as its transcript says', async () => {
  const { app, logs } = await startApp({ endpoints: [ShopEndpoint] });
  const [transcript = ''] = transcriptsOf('docs/guide/05-errors.md');
  expect(await playTranscript(app, transcript)).toBeGreaterThan(5);
  expect(logs.at('warn')).toEqual([
    'no sale: NotFoundException: there is only one moon Shop',
    'no sale: Error: SELECT * FROM items failed Shop',
  ]);
});
