import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConnectionRegistry } from 'nestjs-plack-websocket';
import { AppModule } from './app.module.js';
import { EchoEndpoint } from './echo.endpoint.js';

// Browsers open spare HTTP connections that a stopping server would wait for. WebSockets are closed politely before.
const app = await NestFactory.create(AppModule, { forceCloseConnections: true });

// SIGTERM and SIGINT drain: every open page is told that the server goes away, and comes back by itself.
app.enableShutdownHooks();

await app.listen(process.env['PORT'] ?? 3000);

const echo = app.get(ConnectionRegistry).url(EchoEndpoint);
const logger = new Logger('Chat');
logger.log(`the page  http://${new URL(echo).host}/`);
logger.log(`the echo  ${echo}`);
