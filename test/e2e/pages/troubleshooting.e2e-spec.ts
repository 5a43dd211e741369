import { describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { OnMessage, WsEndpoint, type PlackWebSocketModuleOptions, type UpgradeFailure } from 'nestjs-plack-websocket';
import { startApp } from '../../support/start-app.js';

// #region look
const logger = new Logger('Upgrades');

const options: PlackWebSocketModuleOptions = {
  onError: ({ error, status, cause, context }: UpgradeFailure): void => {
    logger.warn(`${context.url} from ${context.origin ?? 'no page'}: ${status} ${error}, ${String(cause)}`);
  },
};
// #endregion look

// #region await
@WsEndpoint({ path: 'notes', serializer: 'json' })
class NotesEndpoint {
  /** Right: what `#save` throws is answered, and the process goes on. Without `await` or `return`, it would end. */
  @OnMessage('note')
  async note(@MessageBody() text: string): Promise<string> {
    await this.#save(text);
    return 'noted';
  }

  async #save(text: string): Promise<void> {
    if (text === '') throw new Error('the disk is full');
  }
}
// #endregion await

describe('the code of docs/troubleshooting.md', () => {
  it('says why an upgrade was refused, and leaves the answer as it is', async () => {
    const started = await startApp({ endpoints: [NotesEndpoint], options });
    await expect(started.connect('/ws/notes', { origin: 'https://other.example' })).rejects.toMatchObject({
      status: 403,
      body: expect.stringContaining('forbidden origin'),
    });
    expect(started.logs.at('warn')).toEqual([
      expect.stringMatching(/^\/ws\/notes from https:\/\/other\.example: 403 forbidden origin, /),
    ]);
  });

  it('answers what a promise that is awaited rejects with', async () => {
    const started = await startApp({ endpoints: [NotesEndpoint] });
    const client = await started.connect('/ws/notes');
    await client.send({ event: 'note', data: '' });
    expect(await client.nextJson()).toMatchObject({ event: 'error', data: { code: 'internal_error' } });
    await client.send({ event: 'note', data: 'tea' });
    expect(await client.nextJson()).toEqual({ event: 'note', data: 'noted' });
  });
});
