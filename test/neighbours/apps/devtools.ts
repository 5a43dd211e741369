import { Injectable } from '@nestjs/common';
import { SerializedGraph } from '@nestjs/core';
import { DevtoolsModule } from '@nestjs/devtools-integration';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Graphed implements Answers {
  constructor(private readonly graph: SerializedGraph) {}

  answer(): unknown {
    const { entrypoints } = this.graph.toJSON();
    return Object.values(entrypoints)
      .flat()
      .filter(({ type }) => type === 'websocket')
      .map(({ className, methodName }) => `${className}.${methodName}`);
  }
}

export const neighbour: Neighbour = {
  imports: [DevtoolsModule.register({ http: true, port: 0 })],
  answers: Graphed,
  settings: { snapshot: true },
};
