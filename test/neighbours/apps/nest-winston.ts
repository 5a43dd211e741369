import { Inject, Injectable } from '@nestjs/common';
import { WINSTON_MODULE_NEST_PROVIDER, WINSTON_MODULE_PROVIDER, WinstonModule } from 'nest-winston';
import { format, transports, type Logger } from 'winston';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Logging implements Answers {
  constructor(@Inject(WINSTON_MODULE_PROVIDER) private readonly logger: Logger) {}

  answer(): unknown {
    this.logger.info('asked');
    return 'logged';
  }
}

export const neighbour: Neighbour = {
  imports: [WinstonModule.forRoot({ transports: [new transports.Console({ format: format.json() })] })],
  answers: Logging,
  settings: { bufferLogs: true },
  configure: (app) => app.useLogger(app.get(WINSTON_MODULE_NEST_PROVIDER)),
};
