import { Injectable } from '@nestjs/common';
import { InjectPinoLogger, Logger, LoggerModule, PinoLogger } from 'nestjs-pino';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Logging implements Answers {
  constructor(@InjectPinoLogger(Logging.name) private readonly logger: PinoLogger) {}

  answer(): unknown {
    this.logger.info('asked');
    return 'logged';
  }
}

export const neighbour: Neighbour = {
  imports: [LoggerModule.forRoot({ pinoHttp: { autoLogging: false } })],
  answers: Logging,
  settings: { bufferLogs: true },
  configure: (app) => app.useLogger(app.get(Logger)),
};
