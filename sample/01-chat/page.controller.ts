import { readFileSync } from 'node:fs';
import {
  Controller,
  Get,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  Query,
  StandardSchemaValidationPipe,
  StreamableFile,
  UsePipes,
} from '@nestjs/common';
import { parseName } from './name.handshake.js';
import { Room } from './room.endpoint.js';

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

/** Everything the page is made of; nothing else is ever read for a URL. */
const FILES = new Map(
  Object.entries({
    'chat.html': HTML,
    'chat.css': CSS,
    'chat.js': SCRIPT,
    'echo.js': SCRIPT,
    'log.js': SCRIPT,
    'room-link.js': SCRIPT,
  }).map(([name, type]) => [name, { type, content: readFileSync(new URL(`./page/${name}`, import.meta.url)) }]),
);

/** Only what this server serves, so that markup smuggled in by a visitor cannot run. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function fileOfPage(name: string): StreamableFile {
  const file = FILES.get(name);
  if (!file) throw new NotFoundException(`the page has no file ${name}`);
  return new StreamableFile(file.content, { type: file.type });
}

/** The page, and the one question it has to ask before it opens a WebSocket. */
@Controller()
@UsePipes(StandardSchemaValidationPipe)
export class PageController {
  @Get()
  @Header('x-content-type-options', 'nosniff')
  @Header('content-security-policy', POLICY)
  page(): StreamableFile {
    return fileOfPage('chat.html');
  }

  @Get('page/:file')
  @Header('cache-control', 'no-cache')
  @Header('x-content-type-options', 'nosniff')
  file(@Param('file') name: string): StreamableFile {
    return fileOfPage(name);
  }

  /**
   * Answers 204, or refuses exactly as the handshake would. A browser never tells a page why a handshake was
   * refused, only that the connection ended with 1006; over HTTP the reason can be read.
   */
  @Get('knock')
  @HttpCode(204)
  knock(@Query('name') name: unknown, @Query('room', { schema: Room }) _room: string): void {
    parseName(name);
  }
}
