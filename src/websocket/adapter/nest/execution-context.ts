import type { ExecutionContext, Type } from '@nestjs/common';

/** Nest's execution context of one call: its own class is not part of the public API in any version. */
export class EndpointExecutionContext implements ExecutionContext {
  constructor(
    private readonly type: string,
    private readonly args: readonly unknown[],
    private readonly metatype: Type,
    private readonly handler: (...args: never[]) => unknown,
  ) {}

  getType<T extends string>(): T {
    return this.type as T;
  }

  getClass<T>(): Type<T> {
    return this.metatype as Type<T>;
  }

  // eslint-disable-next-line typescript/no-unsafe-function-type -- the type that Nest's interface has
  getHandler(): Function {
    return this.handler;
  }

  getArgs<T extends unknown[]>(): T {
    return this.args as T;
  }

  getArgByIndex<T>(index: number): T {
    return this.args[index] as T;
  }

  switchToHttp(): ReturnType<ExecutionContext['switchToHttp']> {
    return {
      getRequest: <T>() => this.args[0] as T,
      getResponse: <T>() => this.args[1] as T,
      getNext: <T>() => this.args[2] as T,
    };
  }

  switchToWs(): ReturnType<ExecutionContext['switchToWs']> {
    return {
      getClient: <T>() => this.args[0] as T,
      getData: <T>() => this.args[1] as T,
      getPattern: () => this.args.at(-1) as string,
    };
  }

  switchToRpc(): ReturnType<ExecutionContext['switchToRpc']> {
    return { getData: <T>() => this.args[0] as T, getContext: <T>() => this.args[1] as T };
  }
}
