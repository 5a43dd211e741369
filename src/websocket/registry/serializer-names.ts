import { ConfigurationError } from '../errors/plack-websocket.error.js';
import type { Serializer } from '../serializer/serializer.js';
import type { SerializerInUse } from './fan-out.js';

/** What nodes call the serializers of the application: a message is encoded on one node, and written to sockets on others. */
export class SerializerNames {
  readonly #names = new Map<Serializer, string>();

  /**
   * @throws ConfigurationError for a serializer without a name, and for two that share one.
   */
  constructor(serializers: readonly SerializerInUse[]) {
    const byName = new Map<string, SerializerInUse>();
    for (const one of serializers) {
      const { serializer, endpoint } = one;
      const { name } = serializer;
      if (name === undefined || name === '') {
        throw new ConfigurationError(
          `The serializer of ${endpoint.name} has no name. With a backplane each needs one, by which nodes tell encodings apart: ` +
            "readonly name = 'my-format'.",
        );
      }
      const other = byName.get(name);
      if (other !== undefined && other.serializer !== serializer) {
        throw new ConfigurationError(
          `The serializers of ${other.endpoint.name} and ${endpoint.name} are both named '${name}'. With a backplane nodes tell ` +
            'encodings apart by name: give both endpoints the same instance, or one a name of its own.',
        );
      }
      byName.set(name, one);
      this.#names.set(serializer, name);
    }
  }

  /** Fakes of tests may have a serializer that no endpoint has. */
  of(serializer: Serializer): string {
    return this.#names.get(serializer) ?? serializer.name ?? '';
  }
}
