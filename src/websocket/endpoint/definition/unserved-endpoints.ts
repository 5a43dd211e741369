import type { Type } from '@nestjs/common';
import { decoratorOf, hasHandlers } from './endpoint-part.js';
import type { ProviderWrapper } from './provider-wrapper.js';

/** Classes that got `@WsEndpoint` or `@WsEndpointPart` in this process and were neither served by an application nor reported. */
const pending = new Set<WeakRef<Type>>();

/** Remembers a class from its decoration until an application starts. Does not keep it from being collected. */
export function noteDecorated(type: Type): void {
  pending.add(new WeakRef(type));
}

/** Finds the endpoints and parts that an application does not serve although their classes are there. */
export class UnservedEndpoints {
  readonly #told = new Set<unknown>();

  /** Tells whether a class was decorated since the last report; cheap enough to be asked for each unknown path. */
  get isNewsPossible(): boolean {
    return pending.size > 0;
  }

  /**
   * Says of each class that is not served why it is not, and what to do; once for each class. A class that no module
   * provides is reported by the first application of the process that starts after its decoration.
   */
  report(providers: readonly ProviderWrapper[], served: ReadonlySet<unknown>): string[] {
    const inModules = providers.filter(({ token }) => hasHandlers(token) && !served.has(token)).map(explainProvider);
    const elsewhere = [...pending]
      .flatMap((reference) => reference.deref() ?? [])
      .filter((type) => !served.has(type) && !isBaseOfAny(type, served))
      .map(explainAbsence);
    pending.clear();
    const news = [...inModules, ...elsewhere].filter(({ type }) => !this.#told.has(type) && this.#told.add(type));
    return news.flatMap(({ reason }) => reason ?? []);
  }
}

interface Explanation {
  readonly type: unknown;
  /** `undefined` where nothing is amiss: another endpoint has its place. */
  readonly reason: string | undefined;
}

function explainProvider(wrapper: ProviderWrapper): Explanation {
  const { metatype, isAlias, host } = wrapper;
  const type = wrapper.token as Type;
  const where = host?.metatype?.name ?? 'a module';
  const [target] = isAlias ? (wrapper.inject ?? []) : [metatype];
  if (target === type) return { type, reason: explainLateness(type, where) };
  if (hasHandlers(target)) return { type, reason: undefined };
  const decorator = decoratorOf(type);
  const replacement = isAlias ? 'another provider' : `the class ${(metatype as Type).name} without ${decorator}`;
  return {
    type,
    reason:
      `${type.name} is not served: ${where} has ${replacement} in its place. ` +
      `Put a class with ${decorator} there (useClass), as in a test that replaces an endpoint.`,
  };
}

function explainLateness(type: Type, where: string): string {
  return (
    `${type.name} is not served: ${where} was loaded after the application had started. ` +
    'Import that module in one that is there at the start.'
  );
}

function explainAbsence(type: Type): Explanation {
  return {
    type,
    reason:
      `${type.name} has ${decoratorOf(type)} and is not served, because no module provides it. ` +
      'Add it to the providers of a module that the application imports.',
  };
}

/** A class that others extend may carry the decorator only to be a base. */
function isBaseOfAny(type: Type, served: ReadonlySet<unknown>): boolean {
  return [...served].some((one) => (one as Type).prototype instanceof type);
}
