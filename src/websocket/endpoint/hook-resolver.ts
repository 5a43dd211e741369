import { Injectable, type InjectionToken, type OptionalFactoryDependency, type Type } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { describeError } from '../errors/describe-error.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';

/** A function, or a class with a method of one name. */
type Hook = (...args: never[]) => unknown;

/** Turns options that may be a function or an injectable class into functions and instances. */
@Injectable()
export class HookResolver {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {}

  /**
   * Resolves a hook: a function stays itself, a class is instantiated and its method of that name is bound.
   * @throws ConfigurationError when the class has no such method or cannot be built.
   */
  async resolve<F extends Hook>(option: F | Type | undefined, method: string, where: string): Promise<F | undefined> {
    if (option === undefined) return undefined;
    if (!isClass(option, method)) return option;
    const instance = (await this.instantiate(option, `${where}: ${method}`)) as Record<string, unknown>;
    const hook = instance[method];
    if (typeof hook !== 'function') {
      throw new ConfigurationError(
        `${where}: the class ${option.name} given as ${method} has no method ${method}(). ` +
          `Add the method, or give a function.`,
      );
    }
    return hook.bind(instance) as F;
  }

  /**
   * The provider of a class from anywhere in the application, else a new instance with what global modules provide.
   * @throws ConfigurationError when a dependency is missing or the provider is not a singleton.
   */
  async instantiate<T extends object>(type: Type<T>, where: string): Promise<T> {
    try {
      return this.#isProvided(type)
        ? this.moduleRef.get<T>(type, { strict: false })
        : await this.moduleRef.create<T>(type);
    } catch (error) {
      throw this.#failure(type, where, error);
    }
  }

  /**
   * Calls a factory with the providers that it asks for.
   * @throws ConfigurationError when one is missing or no singleton, and for what the factory throws.
   */
  async make(
    factory: (...args: never[]) => unknown,
    inject: readonly (InjectionToken | OptionalFactoryDependency)[],
    where: string,
  ): Promise<unknown> {
    const args = inject.map((dependency) => this.#find(dependency, where));
    try {
      return await (factory as (...given: unknown[]) => unknown)(...args);
    } catch (error) {
      throw new ConfigurationError(`${where}: useFactory failed. ${describeError(error)}`, { cause: error });
    }
  }

  #find(dependency: InjectionToken | OptionalFactoryDependency, where: string): unknown {
    const { token, optional } =
      typeof dependency === 'object' && 'token' in dependency ? dependency : { token: dependency, optional: false };
    try {
      return this.moduleRef.get<unknown>(token, { strict: false });
    } catch (error) {
      if (optional) return undefined;
      throw new ConfigurationError(
        `${where}: useFactory cannot have ${nameOfToken(token)}. Provide it, with default scope, in any module. ${describeError(error)}`,
        { cause: error },
      );
    }
  }

  /** Asks the container: what Nest throws for a class that it does not know has no name that a bundler would keep. */
  #isProvided(type: Type): boolean {
    return [...this.modules.values()].some(
      ({ providers, injectables }) => providers.has(type) || injectables.has(type),
    );
  }

  #failure(type: Type, where: string, cause: unknown): ConfigurationError {
    return new ConfigurationError(
      `${where}: ${type.name} cannot be built. Provide it, with default scope, in the module whose providers it needs. ${describeError(
        cause,
      )}`,
      { cause },
    );
  }
}

function nameOfToken(token: InjectionToken): string {
  return typeof token === 'function' ? token.name : String(token);
}

function isClass(option: Hook | Type, method: string): option is Type {
  const { prototype } = option as { prototype?: object };
  if (typeof prototype !== 'object' || prototype === null) return false;
  // A class without the method is a mistake that a call as a function would only show to the first client.
  return method in prototype || /^class\b/.test(Function.prototype.toString.call(option));
}
