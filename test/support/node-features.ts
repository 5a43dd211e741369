import { createServer } from 'node:http';

/**
 * Node asks the HTTP server whether a request is an upgrade before it lets go of the socket (22.21, 24.9). An older one
 * tells of the upgrade when it reads no more, so that a body is out of reach.
 */
export const asksBeforeUpgrade = 'shouldUpgradeCallback' in createServer();
