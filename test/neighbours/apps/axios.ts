import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { HttpModule, HttpService } from '@nestjs/axios';
import { Controller, Get, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { firstValueFrom } from 'rxjs';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Fetching implements Answers {
  constructor(
    private readonly http: HttpService,
    private readonly host: HttpAdapterHost,
  ) {}

  async answer(): Promise<unknown> {
    const { port } = (this.host.httpAdapter.getHttpServer() as Server).address() as AddressInfo;
    return (await firstValueFrom(this.http.get<string>(`http://127.0.0.1:${port}/source`))).data;
  }
}

@Controller('source')
class SourceController {
  @Get()
  get(): string {
    return 'fetched';
  }
}

export const neighbour: Neighbour = { imports: [HttpModule], controllers: [SourceController], answers: Fetching };
