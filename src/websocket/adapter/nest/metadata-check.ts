import * as common from '@nestjs/common';
import { NEST_CUSTOM_ARGUMENT, NEST_ROUTE_ARGUMENTS, NestParameter } from '../../endpoint/definition/metadata-keys.js';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';

const { createParamDecorator } = common;

/** What this library reads of each decorator of a parameter: the beginning of the key that it leaves. */
const READ: Readonly<Record<string, string>> = {
  '@Body()': `${NestParameter.messageBody}:0`,
  '@Query()': `${NestParameter.query}:0`,
  '@Param()': `${NestParameter.param}:0`,
  '@Headers()': `${NestParameter.headers}:0`,
  '@Session()': `${NestParameter.session}:0`,
  '@Ip()': `${NestParameter.ip}:0`,
  '@Cookies()': `${NestParameter.cookies}:0`,
  'createParamDecorator()': NEST_CUSTOM_ARGUMENT,
};

type Decorators = Readonly<Record<string, ParameterDecorator>>;

/** The decorators of the installed Nest; `@Cookies` came with Nest 12. */
function installedDecorators(): Decorators {
  return {
    '@Body()': common.Body(),
    '@Query()': common.Query(),
    '@Param()': common.Param(),
    '@Headers()': common.Headers(),
    '@Session()': common.Session(),
    '@Ip()': common.Ip(),
    ...('Cookies' in common && { '@Cookies()': common.Cookies() }),
    'createParamDecorator()': createParamDecorator(() => undefined)(),
  };
}

/**
 * Compares what our decorators assume about Nest's metadata with what the decorators of the installed Nest leave behind.
 * @throws ConfigurationError naming what differs.
 */
export function assertNestMetadata(decorators: Decorators = installedDecorators()): void {
  for (const [name, decorator] of Object.entries(decorators)) {
    const left = keyLeftBy(decorator);
    const read = READ[name] ?? '';
    if (name.startsWith('@') ? left === read : left.includes(read)) continue;
    throw new ConfigurationError(
      `${name} of the installed Nest leaves ${JSON.stringify(left)} where this library reads ${JSON.stringify(read)}. ` +
        'Use a version of @nestjs/core and @nestjs/common that package.json allows.',
    );
  }
}

/** What a decorator calls the parameter that it decorates. */
function keyLeftBy(decorator: ParameterDecorator): string {
  class Probe {
    run(): void {}
  }
  decorator(Probe.prototype, 'run', 0);
  const left = Reflect.getMetadata(NEST_ROUTE_ARGUMENTS, Probe, 'run') as object | undefined;
  return Object.keys(left ?? {}).join();
}
