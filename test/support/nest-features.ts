import { describe } from '@jest/globals';
import { NEST } from './nest-version.js';

interface Feature {
  /** The first major that has it. */
  readonly since: 11 | 12;
  /** What stands in the names of the tests that are skipped. */
  readonly name: string;
}

/** What came after Nest 10 and what tests ask for. */
export const NEST_FEATURES = {
  instrument: { since: 11, name: 'the option instrument' },
  processExit: { since: 11, name: 'the option useProcessExit' },
  exceptionCause: { since: 11, name: 'the cause in an exception of a gateway' },
  cookies: { since: 12, name: '@Cookies()' },
  schema: { since: 12, name: 'the option schema, and the pipes and interceptors for it' },
  errorCode: { since: 12, name: 'the errorCode of an exception' },
  gatewayExceptions: { since: 12, name: 'exceptions of a gateway that reach a client of ws' },
  gatewayGlobals: { since: 12, name: 'global guards, pipes, interceptors and filters of gateways' },
  gatewayScope: { since: 12, name: 'gateways of request scope' },
  disconnectReason: { since: 12, name: 'the reason in handleDisconnect' },
  detached: { since: 12, name: 'a stock adapter that takes its listener off at the close' },
} as const satisfies Record<string, Feature>;

export type NestFeature = keyof typeof NEST_FEATURES;

/** Tells whether the Nest that the tests run with has it. */
export function nestHas(feature: NestFeature): boolean {
  return NEST === undefined || Number(NEST) >= NEST_FEATURES[feature].since;
}

/** A group of tests of what not every Nest has; where it is missing they are skipped, by a name that says why. */
export function describeNest(feature: NestFeature, tests: () => void, subject = ''): void {
  const { name, since } = NEST_FEATURES[feature];
  const group = nestHas(feature) ? describe : describe.skip;
  group(`${subject} with ${name} (Nest ${since})`.trim(), tests);
}
