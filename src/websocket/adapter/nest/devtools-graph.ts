import type { SerializedGraph } from '@nestjs/core';
import type { EndpointProvider, HandlerProvider } from '../../endpoint/pipeline/enhancers.js';
import { wrapperOf } from './instance-wrapper.js';

/** Tells Nest's devtools about the methods of an endpoint and of its parts. */
export function describeEntrypoints(graph: SerializedGraph, provider: EndpointProvider, path: string): void {
  for (const one of [provider, ...provider.parts]) describeMethods(graph, one, path);
}

function describeMethods(graph: SerializedGraph, provider: HandlerProvider, path: string): void {
  const { metatype, establish, finish, anyMessage, binaryMessage, events } = provider.definition;
  const wrapper = wrapperOf(provider);
  const entries: (readonly [key: string, method: string | undefined])[] = [
    ['establish', establish],
    ['message', anyMessage],
    ['binary', binaryMessage],
    ...events,
    ['finish', finish],
  ];
  for (const [key, methodName] of entries) {
    if (methodName === undefined) continue;
    graph.insertEntrypoint(
      {
        id: `${wrapper.id}_${methodName}`,
        type: 'websocket',
        methodName,
        className: metatype.name,
        classNodeId: wrapper.id,
        metadata: { key, path, message: key },
      } as never,
      wrapper.id,
    );
  }
}
