import { NestApplicationContext, type AbstractHttpAdapter, type ModulesContainer } from '@nestjs/core';

type Callback = () => Promise<void>;

/** The part of an application context that is not public, the same in Nest 10, 11 and 12. */
interface DestroyingContext {
  readonly container: { getModules(): ModulesContainer };
  callDestroyHook(): Promise<void>;
}

const callbacks = new WeakMap<ModulesContainer, Callback>();
let isWatching = false;

/**
 * Calls back before any module of an application is destroyed. Its hooks would be too late: a global module, such as the
 * database that `@OnFinish` writes to, may be destroyed before ours. The callback may be called more than once.
 *
 * Nest 12 calls `beforeClose` of the HTTP adapter first of all. Nest 10 and 11 have nothing of the kind, so there the step
 * that destroys the modules is preceded by the callback.
 */
export function beforeDestroy(modules: ModulesContainer, http: AbstractHttpAdapter, callback: Callback): void {
  // Nest awaits it, although its abstract adapter declares `void`: `HttpServer.beforeClose` may return a promise.
  const awaited: { beforeClose?: () => unknown } = http;
  const beforeClose = awaited.beforeClose?.bind(http);
  awaited.beforeClose = async (): Promise<void> => {
    await beforeClose?.();
    await callback();
  };
  callbacks.set(modules, callback);
  watchDestruction();
}

function watchDestruction(): void {
  if (isWatching) return;
  isWatching = true;
  const prototype = NestApplicationContext.prototype as unknown as DestroyingContext;
  // eslint-disable-next-line typescript/unbound-method -- it is called on the context that it was taken from
  const { callDestroyHook } = prototype;
  prototype.callDestroyHook = async function (this: DestroyingContext): Promise<void> {
    await callbacks.get(this.container.getModules())?.();
    await callDestroyHook.call(this);
  };
}
