import { ConnectionRegistry } from 'nestjs-plack-websocket';
import { fakeConnection } from 'nestjs-plack-websocket/testing';
import { AppService } from '../app.service.js';
import { RoomsEndpoint } from './rooms.endpoint.js';

describe('RoomsEndpoint', () => {
  it('says what was said to the others in the room', () => {
    const registry = new ConnectionRegistry();
    const endpoint = new RoomsEndpoint(new AppService());
    const [ada, grace] = [fakeConnection({ registry }), fakeConnection({ registry })];
    endpoint.enter(ada, 1);
    endpoint.enter(grace, 1);

    expect(endpoint.say(grace, 'hello')).toBe('you said hello');

    expect(ada.sent).toEqual([
      { event: 'welcome', data: { room: 1, text: 'Hello World!' } },
      { event: 'said', data: 'hello' },
    ]);
  });
});
