import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { RedisBackplane, type RedisBackplaneOptions } from '../../../src/redis.js';
import { afterTest } from '../../support/start-app.js';
import { JournalReceiver, randomPrefix } from '../support/journal-receiver.js';

/** A node of a group, with what it was told. */
export class RedisNode {
  readonly journal = new JournalReceiver();
  readonly backplane: RedisBackplane;

  constructor(options: RedisBackplaneOptions) {
    this.backplane = new RedisBackplane({
      prefix: randomPrefix(),
      nodeTimeoutMs: 900,
      publishTimeoutMs: 600,
      ...options,
    });
    afterTest(() => this.backplane.close());
  }

  /** One that has reached its engine. */
  static async open(options: RedisBackplaneOptions): Promise<RedisNode> {
    const node = new RedisNode(options);
    await node.backplane.open(node.journal);
    return node;
  }

  async follow(subject: string): Promise<void> {
    const since = this.journal.entries.length;
    this.backplane.follow(subject);
    await this.journal.until(`followed ${subject}`, since);
  }

  publish(subject: string, text: string): string {
    return this.backplane.publish(subject, Buffer.from(text));
  }
}

/** Both libraries, each with a client that is not connected itself. */
export const LIBRARIES: readonly { library: string; options: (url: string) => RedisBackplaneOptions }[] = [
  { library: 'redis', options: (url) => ({ client: createClient({ url }) }) },
  { library: 'ioredis', options: (url) => ({ client: new Redis(url, { lazyConnect: true }) }) },
];
