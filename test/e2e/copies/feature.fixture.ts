import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  Connection,
  ConnectionRegistry,
  FinishInfo,
  HandshakeResult,
  MessageEncodingError,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  RequestContext,
  Serializer,
  UnsupportedDataError,
  WsEndpoint,
} from '../../../src/index.js';

/*
 * A package that brings a copy of the library of its own, as `npm link` and nested `node_modules` make it.
 */

class TextOnly extends Serializer {
  override encode(value: unknown): string {
    if (typeof value === 'bigint') throw new TypeError('no form');
    return JSON.stringify(value);
  }

  override decode(data: string | Buffer, isBinary: boolean): unknown {
    if (isBinary) throw new UnsupportedDataError();
    return JSON.parse(String(data));
  }
}

@WsEndpoint({ path: 'feature', serializer: TextOnly, handshake: (_context, response) => [response, 'a result'] })
class FeatureEndpoint {
  @OnEstablish()
  enter(context: RequestContext, connection: Connection, @HandshakeResult(0) result: unknown): void {
    void connection.send([context.path, connection.context === context, result]);
  }

  @OnMessage('who')
  async who(@MessageBody() message: unknown, connection: Connection): Promise<unknown> {
    const error: unknown = await connection.send(1n).catch((reason: unknown) => reason);
    return [connection instanceof Connection, error instanceof MessageEncodingError, message];
  }

  @OnFinish()
  leave(end: FinishInfo, connection: Connection): void {
    process.send?.({ left: [end instanceof FinishInfo, end.code, connection.state] });
  }
}

@Injectable()
class FeatureService {
  constructor(private readonly registry: ConnectionRegistry) {}

  tell(): unknown {
    return this.registry.broadcast({ event: 'told' });
  }
}

@Controller('tell')
class FeatureController {
  constructor(private readonly feature: FeatureService) {}

  @Get()
  tell(): unknown {
    return this.feature.tell();
  }
}

/** One way each in which the copy takes part in the application. */
export const features: Readonly<Record<string, () => unknown>> = {
  endpoint: () => {
    @Module({ providers: [FeatureEndpoint] })
    class FeatureModule {}
    return FeatureModule;
  },
  service: () => {
    @Module({ providers: [FeatureService], controllers: [FeatureController] })
    class FeatureModule {}
    return FeatureModule;
  },
  both: () => {
    @Module({ providers: [FeatureEndpoint, FeatureService], controllers: [FeatureController] })
    class FeatureModule {}
    return FeatureModule;
  },
  module: () => PlackWebSocketModule.forRoot({ path: '/other' }),
  nothing: () => {
    @Module({})
    class FeatureModule {}
    return FeatureModule;
  },
};
