import type { Type } from '@nestjs/common';

/** What decorates a class of the form that esbuild, tsx and plain JavaScript make: without any types of parameters. */
export interface Decorations {
  /** The decorators of each method. */
  readonly methods: Readonly<Record<string, readonly MethodDecorator[]>>;
  /** The decorators of the parameters of a method, by its name and their index. */
  readonly parameters?: Readonly<Record<string, Readonly<Record<number, ParameterDecorator>>>>;
}

/** Decorates a class as a compiler without `emitDecoratorMetadata` does, from the bottom up. */
export function decorate(type: Type, decorator: ClassDecorator, { methods, parameters = {} }: Decorations): Type {
  const prototype = type.prototype as object;
  for (const [name, decorators] of Object.entries(methods)) {
    for (const [index, parameter] of Object.entries(parameters[name] ?? {})) parameter(prototype, name, Number(index));
    for (const method of decorators.toReversed()) {
      const given = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
      const replaced: unknown = method(prototype, name, given);
      Object.defineProperty(prototype, name, (replaced ?? given) as PropertyDescriptor);
    }
  }
  decorator(type);
  return type;
}
