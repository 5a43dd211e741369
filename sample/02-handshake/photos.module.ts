import { Module } from '@nestjs/common';
import { Connection, OnMessage, WsEndpointPart } from 'nestjs-plack-websocket';
import { StageEndpoint } from './stage.endpoint.js';

// #region part
/** A feature of its own: its module brings a method to the connections of the stage, behind the same door. */
@WsEndpointPart(StageEndpoint)
export class Photos {
  #bytes = 0;

  // #region binary
  @OnMessage({ binary: true })
  keep(_connection: Connection, photo: Buffer): { event: string; data: { bytes: number; total: number } } {
    this.#bytes += photo.length;
    return { event: 'kept', data: { bytes: photo.length, total: this.#bytes } };
  }
  // #endregion binary
}

@Module({ providers: [Photos] })
export class PhotosModule {}
// #endregion part
