import 'reflect-metadata';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Catch,
  createParamDecorator,
  ForbiddenException,
  Module,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { map, Observable, of } from 'rxjs';
import {
  Connection,
  ConnectionRegistry,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  Serializer,
  WsEndpoint,
  type HandshakeResponse,
  type RequestContext,
} from '../../../src/index.js';
import { letOut, VALUES, WAYS, type ValueName, type Way } from './values.js';
import type { Position } from './positions.js';

/** What is to go wrong for one client: where, and how. */
interface Plan {
  readonly at: Position;
  readonly way: Way;
  readonly value: ValueName;
}

function planOf(url: string | undefined): Plan {
  const { searchParams } = new URL(url ?? '/', 'http://localhost');
  return Object.fromEntries(searchParams) as unknown as Plan;
}

/** Lets the value out where the plan says so. */
function act({ at, way, value }: Plan, position: Position, otherwise?: unknown): unknown {
  return at === position ? letOut(way, value) : otherwise;
}

/** Marks a value whose encoding is to go wrong. */
class Unencodable {
  constructor(readonly plan: Plan) {}
}

class FaultySerializer extends Serializer {
  override encode(value: unknown): string {
    const marked = [value, (value as { data?: unknown } | null | undefined)?.data];
    const found = marked.find((part) => part instanceof Unencodable);
    return (found === undefined ? JSON.stringify(value) : letOut(found.plan.way, found.plan.value)) as string;
  }

  override decode(data: string | Buffer): unknown {
    const message: unknown = JSON.parse(String(data));
    const { decode } = message as { decode?: Plan };
    return decode === undefined ? message : letOut(decode.way, decode.value);
  }
}

class Guard implements CanActivate {
  canActivate(context: ExecutionContext): never {
    if (context.getType() !== 'http') return act(planOf(clientOf(context).url), 'guard', true) as never;
    const plan = planOf(context.switchToHttp().getRequest<IncomingMessage>().url);
    if (plan.at === 'filter of the handshake') throw new ForbiddenException();
    return act(plan, 'guard of the handshake', true) as never;
  }
}

const Planned = createParamDecorator((_data: unknown, context: ExecutionContext): unknown => {
  if (context.getType() !== 'http') {
    const plan = planOf(clientOf(context).url);
    return act(plan, 'decorator', plan);
  }
  const plan = planOf(context.switchToHttp().getRequest<IncomingMessage>().url);
  return act(plan, 'decorator of the handshake', plan);
});

function clientOf(context: ArgumentsHost): Connection {
  return context.switchToWs().getClient<Connection>();
}

class HandshakePipe implements PipeTransform {
  transform(plan: Plan): unknown {
    return act(plan, 'pipe of the handshake', plan);
  }
}

class MessagePipe implements PipeTransform {
  transform(plan: Plan): unknown {
    return act(plan, 'pipe', plan);
  }
}

class EstablishInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return act(planOf(clientOf(context).url), 'interceptor of establish', next.handle()) as Observable<unknown>;
  }
}

class MessageInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const plan = planOf(clientOf(context).url);
    const results = next.handle().pipe(map((item: unknown) => act(plan, 'item of an interceptor', item)));
    return act(plan, 'interceptor', results) as Observable<unknown>;
  }
}

@Catch()
class HandshakeFilter implements ExceptionFilter {
  catch(_exception: unknown, host: ArgumentsHost): unknown {
    return act(planOf(host.switchToHttp().getRequest<IncomingMessage>().url), 'filter of the handshake');
  }
}

@Catch()
class MessageFilter implements ExceptionFilter {
  catch(_exception: unknown, host: ArgumentsHost): unknown {
    return act(planOf(clientOf(host).url), 'filter');
  }
}

const counts = { established: 0, entered: 0, left: 0, finished: 0 };

@UseGuards(Guard)
@WsEndpoint({
  path: 'fault',
  serializer: FaultySerializer,
  origin: (_origin, { url }) => act(planOf(url), 'origin', true) as boolean,
  login: ({ url }) => {
    const plan = planOf(url);
    return act(plan, 'login', plan.at !== 'onError') as boolean;
  },
  handshake: ({ url }: RequestContext, response: HandshakeResponse) => {
    const plan = planOf(url);
    if (plan.at === 'expiry of the hook') response.expiresAt = act(plan, plan.at) as number;
    return act(plan, 'hook') as undefined;
  },
})
class Fault {
  constructor(private readonly registry: ConnectionRegistry) {}

  @UseInterceptors(EstablishInterceptor)
  @OnEstablish()
  enter(connection: Connection, @Planned(new HandshakePipe()) _plan: unknown): unknown {
    counts.entered++;
    const plan = planOf(connection.url);
    connection.on('message', () => act(plan, 'handler of the connection'));
    connection.on('finish', () => act(plan, 'finish of the connection'));
    return act(plan, 'establish');
  }

  @UseInterceptors(MessageInterceptor)
  @OnMessage('go')
  go(connection: Connection, @Planned(new MessagePipe()) _plan: unknown): unknown {
    const plan = planOf(connection.url);
    switch (plan.at) {
      case 'item of an Observable':
        return of(1).pipe(map(() => letOut(plan.way, plan.value)));
      case 'item of an async iterable':
        return iterate(() => letOut(plan.way, plan.value));
      case 'end of an async iterable':
        return iterate(
          (step) => (step === 1 ? Promise.resolve({ value: 'item' }) : new Promise(() => undefined)),
          () => letOut(plan.way, plan.value),
        );
      case 'onError of the endpoint':
        throw new Error('for @OnError');
      case 'encode of a reply':
        return new Unencodable(plan);
      case 'encode of a send':
        return connection.send(new Unencodable(plan));
      case 'encode of a broadcast':
        return this.registry.in(Fault).send(new Unencodable(plan));
      case 'send':
        return connection.send(letOut(plan.way, plan.value));
      case 'broadcast':
        return this.registry.in(Fault).send(letOut(plan.way, plan.value));
      default:
        return act(plan, 'message', 'gone');
    }
  }

  @UseFilters(MessageFilter)
  @OnMessage('fail')
  fail(): never {
    throw new Error('for the filter');
  }

  @OnMessage('echo')
  echo(_connection: Connection, data: unknown): unknown {
    return data;
  }

  @OnError()
  answer(connection: Connection): unknown {
    return act(planOf(connection.url), 'onError of the endpoint');
  }

  @OnFinish()
  leave(connection: Connection): unknown {
    counts.left++;
    return act(planOf(connection.url), 'finish');
  }
}

/** As the first endpoint, with middleware in front: every handshake is asynchronous. */
@UseGuards(Guard)
@UseFilters(HandshakeFilter)
@WsEndpoint({
  path: 'connect',
  serializer: FaultySerializer,
  origin: '*',
  middleware: [
    (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => {
      const plan = planOf(request.url);
      if (plan.at === 'head of the response') response.writeHead = () => act(plan, plan.at) as never;
      if (plan.at === 'end of the response') response.end = () => act(plan, plan.at) as never;
      if (plan.at === 'finish of the response') response.on('finish', () => act(plan, 'finish of the response'));
      if (plan.at === 'next of middleware') return next(act(plan, plan.at));
      const result = act(plan, 'middleware');
      next();
      return result;
    },
  ] as never,
})
class ConnectFault extends Fault {
  @OnEstablish()
  override enter(connection: Connection, @Planned(new HandshakePipe()) plan: unknown): unknown {
    return super.enter(connection, plan);
  }

  @OnMessage('go')
  override go(connection: Connection, @Planned(new MessagePipe()) plan: unknown): unknown {
    return super.go(connection, plan);
  }

  @OnMessage('echo')
  override echo(connection: Connection, data: unknown): unknown {
    return super.echo(connection, data);
  }

  @OnFinish()
  override leave(connection: Connection): unknown {
    return super.leave(connection);
  }
}

/** Gives what `next` gives for a few times. */
function iterate(next: (step: number) => unknown, end: () => unknown = () => ({ done: true })): AsyncIterable<unknown> {
  let steps = 0;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => (steps++ < 3 ? next(steps) : { done: true }) as Promise<IteratorResult<unknown>>,
      return: () => end() as Promise<IteratorResult<unknown>>,
    }),
  };
}

/** Addresses stand for plans: the function sees nothing else. */
function trust(address: string): unknown {
  const [first, way, value] = address.split('.').map(Number);
  if (first !== 10) return true;
  return letOut(WAYS[way ?? 0] ?? 'return', Object.keys(VALUES)[value ?? 0] as ValueName);
}

@Module({
  imports: [
    PlackWebSocketModule.forRoot({
      handshakeTimeoutMs: 1_500,
      trustProxy: (address) => trust(address) as boolean,
      userId: ({ url }) => act(planOf(url), 'userId', 'a user') as string,
      limits: { maxConnectionsPerUser: 100_000, maxConnectionsPerIp: 100_000 },
      onError: ({ context }) => act(planOf(context.url), 'onError') as undefined,
    }),
  ],
  providers: [Fault, ConnectFault],
})
class AppModule {}

const app = await NestFactory.create(AppModule, {
  logger: process.env['FAULTS_LOG'] === undefined ? false : ['error', 'warn'],
});
await app.listen(0, '127.0.0.1');
const registry = app.get(ConnectionRegistry);
registry.on('establish', () => void counts.established++);
registry.on('finish', () => void counts.finished++);
registry.on('establish', ({ url }) => act(planOf(url), 'establish of the registry'));
registry.on('finish', ({ url }) => act(planOf(url), 'finish of the registry'));

process.on('message', (message) => {
  const { count } = message as { count?: number };
  if (count !== undefined) process.send?.({ [`counted ${count}`]: { ...counts, open: registry.size } });
});
process.send?.({ port: ((app.getHttpServer() as Server).address() as AddressInfo).port });
