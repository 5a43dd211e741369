import { Controller, Get, Injectable, Query, UseGuards } from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import { ExtractJwt, Strategy } from 'passport-jwt';
import type { Answers, Neighbour } from './neighbour.js';

const SECRET = 'of the test';

// #region jwt
interface Claims {
  readonly sub: string;
  readonly exp: number;
}

/** As for controllers. A page has its token in a cookie, since a browser's WebSocket sends no `Authorization`. */
@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromExtractors([
        ExtractJwt.fromAuthHeaderAsBearerToken(),
        (request: { cookies?: Record<string, string> }) => request.cookies?.['token'] ?? null,
      ]),
      secretOrKey: SECRET,
    });
  }

  /** What it returns is `connection.user`. Keep `exp` in it. */
  validate({ sub, exp }: Claims): Claims {
    return { sub, exp };
  }
}

@WsEndpoint({ path: 'account', serializer: 'json', expiresAt: (user: Claims) => user.exp * 1000 })
class AccountEndpoint {
  constructor(private readonly jwt: JwtService) {}

  /** Asked once, before the 101. */
  @UseGuards(AuthGuard('jwt'))
  @OnEstablish()
  enter(): void {}

  @OnMessage('who')
  who(connection: Connection<Claims>): string {
    return connection.user.sub;
  }

  /** The client sends a fresh token before the old one ends, and stays connected. */
  @OnMessage('renew')
  async renew(connection: Connection<Claims>, token: string): Promise<void> {
    const claims = await this.jwt.verifyAsync<Claims>(token);
    connection.user = claims; // throws for another user than the first one
    connection.reauthenticate(claims.exp * 1000);
  }
}
// #endregion jwt

@Injectable()
class Signing implements Answers {
  constructor(private readonly jwt: JwtService) {}

  answer(): unknown {
    return this.jwt.verify<{ sub: string }>(this.jwt.sign({ sub: 'ada' })).sub;
  }
}

@Controller('token')
class TokenController {
  constructor(private readonly jwt: JwtService) {}

  @Get()
  token(@Query('seconds') seconds: string): string {
    return this.jwt.sign({ sub: 'ada' }, { expiresIn: Number(seconds) });
  }
}

export const neighbour: Neighbour = {
  imports: [PassportModule, JwtModule.register({ secret: SECRET, signOptions: { expiresIn: '1h' } })],
  providers: [JwtStrategy, AccountEndpoint],
  controllers: [TokenController],
  answers: Signing,
};
