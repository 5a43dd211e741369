import { Injectable } from '@nestjs/common';
import { OpenTelemetryModule, Span, TraceService } from 'nestjs-otel';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));

@Injectable()
class Traced implements Answers {
  constructor(private readonly traces: TraceService) {}

  @Span('answer')
  answer(): unknown {
    return typeof this.traces.getSpan()?.spanContext().traceId;
  }
}

/** A decorator that replaces the method, above and below ours. */
@WsEndpoint({ path: 'traced', serializer: 'json' })
class TracedEndpoint {
  @Span('outer')
  @OnMessage('outer')
  outer(): unknown {
    return exporter.getFinishedSpans().map(({ name }) => name);
  }

  @OnMessage('inner')
  @Span('inner')
  inner(): unknown {
    return exporter.getFinishedSpans().map(({ name }) => name);
  }
}

export const neighbour: Neighbour = {
  imports: [OpenTelemetryModule.forRoot()],
  providers: [TracedEndpoint],
  answers: Traced,
};
