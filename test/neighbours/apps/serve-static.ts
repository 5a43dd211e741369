import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { ServeStaticModule } from '@nestjs/serve-static';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Beside implements Answers {
  answer(): unknown {
    return 'beside pages';
  }
}

export const neighbour: Neighbour = {
  imports: [ServeStaticModule.forRoot({ rootPath: fileURLToPath(new URL('../pages', import.meta.url)) })],
  answers: Beside,
};
