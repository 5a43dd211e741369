import type { DiscoveredClass } from '../../endpoint/definition/endpoint-explorer.js';
import type { ProviderWrapper } from '../../endpoint/definition/provider-wrapper.js';
import type { HandlerProvider } from '../../endpoint/pipeline/enhancers.js';

/** Nest's own record of an endpoint or of a part of one. */
export function wrapperOf(provider: HandlerProvider): ProviderWrapper {
  return (provider as DiscoveredClass).wrapper;
}
