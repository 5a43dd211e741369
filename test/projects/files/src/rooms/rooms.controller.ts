import { Controller, Get, Param, ParseIntPipe } from '@nestjs/common';
import { ConnectionRegistry } from 'nestjs-plack-websocket';

@Controller('rooms')
export class RoomsController {
  constructor(private readonly registry: ConnectionRegistry) {}

  /** How many are in a room; each of them is told that it was asked. */
  @Get(':room')
  count(@Param('room', ParseIntPipe) room: number): { size: number } {
    const inRoom = this.registry.to(`room ${room}`);
    inRoom.send({ event: 'counted', data: inRoom.size });
    return { size: inRoom.size };
  }
}
