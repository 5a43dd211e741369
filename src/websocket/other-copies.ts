import { Scope, type FactoryProvider, type InjectionToken } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { copyOf } from './copies/shared-class.js';
import { otherCopies, THIS_COPY, type Copy } from './copies/this-copy.js';
import { hasHandlers } from './endpoint/definition/endpoint-part.js';
import type { ProviderWrapper } from './endpoint/definition/provider-wrapper.js';
import { COPY_METADATA, NEST_PARAMETER_TYPES } from './endpoint/definition/metadata-keys.js';
import { ConfigurationError } from './errors/plack-websocket.error.js';
import { log } from './log/log.js';

/**
 * Providers that stand for ours where a package with its own copy of the library asks for them: of the same version they
 * are ours, of another one asking for them is an error.
 *
 * @param names of the classes that the module exports.
 */
export function providersForOtherCopies(names: readonly string[]): ProviderForOthers[] {
  return otherCopies().flatMap((copy) => names.flatMap((name) => providerFor(copy, name)));
}

type ProviderForOthers = FactoryProvider<unknown>;

function providerFor(copy: Copy, name: string): readonly ProviderForOthers[] {
  const [theirs, ours] = [copy.classes.get(name), THIS_COPY.classes.get(name)] as (InjectionToken | undefined)[];
  if (theirs === undefined || ours === undefined) return [];
  // No alias: Nest sees through one, and then nothing tells that theirs was asked for.
  if (copy.version === THIS_COPY.version)
    return [{ provide: theirs, inject: [ours], useFactory: (own: unknown) => own }];
  // Made where it is injected, and nowhere else.
  return [{ provide: theirs, scope: Scope.TRANSIENT, useFactory: () => refuse(copy) }];
}

/**
 * Says when packages that bring their own copy of the library take part in the application. A copy of the same version
 * works with ours, and there is one warning for all of them.
 *
 * @throws ConfigurationError for a copy of another version.
 */
export function checkOtherCopies(modules: ModulesContainer): void {
  if (otherCopies().length === 0) return;
  const found = new Set<Copy>();
  for (const { metatype, providers, controllers, injectables } of modules.values()) {
    note(found, copyOf(metatype));
    for (const part of [providers, controllers, injectables]) for (const wrapper of part.values()) look(found, wrapper);
  }
  for (const copy of found) if (copy.version !== THIS_COPY.version) refuse(copy);
  if (found.size === 0) return;
  log.warn(
    'copies',
    `There are two copies of nestjs-plack-websocket ${THIS_COPY.version} in this application: in ${THIS_COPY.folder} and in ` +
      `${[...found].map(({ folder }) => folder).join(', ')}. They work together while their versions are equal. ${ADVICE}`,
  );
}

const ADVICE =
  'Install one for all: the package that brings its own should name it as a peer dependency; npm dedupe may be enough.';

function refuse(copy: Copy): never {
  throw new ConfigurationError(
    `Two versions of nestjs-plack-websocket meet in this application: ${THIS_COPY.version} in ${THIS_COPY.folder} and ` +
      `${copy.version} in ${copy.folder}. ${ADVICE}`,
  );
}

/** Notes the copies that a provider was written with: its decorators, what it injects, the parameters of its handlers. */
function look(found: Set<Copy>, wrapper: ProviderWrapper): void {
  for (const { token } of wrapper.getCtorMetadata() ?? []) note(found, copyOf(token));
  for (const property of wrapper.getPropertiesMetadata() ?? []) note(found, copyOf(property.wrapper.token));
  const { metatype } = wrapper;
  if (!hasHandlers(metatype)) return;
  note(found, Reflect.getMetadata(COPY_METADATA, metatype) as Copy | undefined);
  const prototype = metatype.prototype as Record<string, object>;
  for (const name of new MetadataScanner().getAllMethodNames(prototype)) {
    note(found, Reflect.getOwnMetadata(COPY_METADATA, prototype[name] as object) as Copy | undefined);
    for (const type of (Reflect.getMetadata(NEST_PARAMETER_TYPES, prototype, name) as unknown[] | undefined) ?? []) {
      note(found, copyOf(type));
    }
  }
}

function note(found: Set<Copy>, copy: Copy | undefined): void {
  if (copy !== undefined && copy !== THIS_COPY) found.add(copy);
}
