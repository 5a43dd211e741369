import type { DiscoveryService } from '@nestjs/core';

/** A provider as Nest's container holds it. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];
