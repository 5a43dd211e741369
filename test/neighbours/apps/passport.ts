import { Injectable, UseGuards } from '@nestjs/common';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { Connection, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import { Strategy } from 'passport-strategy';
import type { Answers, Neighbour } from './neighbour.js';

/** A strategy as passport has hundreds: it reads the request and succeeds or fails. */
class HeaderStrategy extends Strategy {
  readonly name = 'header';

  constructor(private readonly verify: (name: string, done: (error: Error | null, user: object) => void) => void) {
    super();
  }

  override authenticate(request: { headers: Record<string, string | string[] | undefined> }): void {
    const name = request.headers['x-name'];
    if (typeof name !== 'string') return this.fail(401);
    this.verify(name, (error, user) => (error === null ? this.success(user) : this.error(error)));
  }
}

@Injectable()
class NameStrategy extends PassportStrategy(HeaderStrategy, 'header') {
  validate(name: string): unknown {
    return { name };
  }
}

@Injectable()
class Strategies implements Answers {
  constructor(private readonly strategy: NameStrategy) {}

  answer(): unknown {
    return this.strategy.validate('ada');
  }
}

// #region guard
/** A guard of a class is asked before the 101 and on each message. */
@UseGuards(AuthGuard('header'))
@WsEndpoint('guarded')
class Guarded {
  @OnMessage()
  whoAmI(connection: Connection<{ name: string }>): string {
    return connection.user.name;
  }
}
// #endregion guard

export const neighbour: Neighbour = {
  imports: [PassportModule],
  providers: [NameStrategy, Guarded],
  answers: Strategies,
};
