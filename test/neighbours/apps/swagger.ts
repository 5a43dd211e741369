import { Injectable } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Documented implements Answers {
  answer(): unknown {
    return 'documented';
  }
}

export const neighbour: Neighbour = {
  answers: Documented,
  configure: (app) =>
    SwaggerModule.setup('api', app, () => SwaggerModule.createDocument(app, new DocumentBuilder().build())),
};
