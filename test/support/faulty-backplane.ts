import { MemoryBackplane, type BackplaneReceiver, type HandOver } from '../../src/index.js';

/** An engine that can lose what it is given, be away, and forget what its node did not hear meanwhile. */
export class FaultyBackplane extends MemoryBackplane {
  /** Envelopes that are taken and lost. */
  losing = 0;
  #isAway = false;
  #receiver: BackplaneReceiver | undefined;

  override open(receiver: BackplaneReceiver): Promise<void> {
    this.#receiver = receiver;
    return super.open({
      receive: (subject, envelope) => {
        if (!this.#isAway) receiver.receive(subject, envelope);
      },
      followed: (subject) => receiver.followed(subject),
      engine: (isReachable) => receiver.engine(isReachable),
    });
  }

  override publish(subject: string, envelope: Uint8Array): HandOver {
    if (this.#isAway) return 'away';
    // What nodes say of themselves is not counted.
    if (this.losing > 0 && subject !== 'a') {
      this.losing--;
      return 'yes';
    }
    return super.publish(subject, envelope);
  }

  override probe(): Promise<void> {
    return this.#isAway ? Promise.reject(new Error('away')) : super.probe();
  }

  interrupt(): void {
    this.#isAway = true;
    this.#receiver?.engine(false, 'the engine has been cut');
  }

  comeBack(): void {
    this.#isAway = false;
    this.#receiver?.engine(true);
  }
}
