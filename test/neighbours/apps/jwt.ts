import {
  Controller,
  Get,
  Injectable,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { Connection, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

/** As the documentation of Nest has it for controllers. */
@Injectable()
class JwtGuard implements CanActivate {
  constructor(private readonly tokens: JwtService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<{ headers: { authorization?: string }; user?: unknown }>();
    const [, token = ''] = request.headers.authorization?.split(' ') ?? [];
    request.user ??= await this.tokens.verifyAsync<{ sub: string }>(token).catch(() => {
      throw new UnauthorizedException();
    });
    return true;
  }
}

@Injectable()
class Signing implements Answers {
  constructor(private readonly tokens: JwtService) {}

  answer(): unknown {
    return this.tokens.verify<{ sub: string }>(this.tokens.sign({ sub: 'ada' })).sub;
  }
}

@Controller('token')
class TokenController {
  constructor(private readonly tokens: JwtService) {}

  @Get()
  token(): string {
    return this.tokens.sign({ sub: 'ada' });
  }
}

@UseGuards(JwtGuard)
@WsEndpoint('guarded')
class Guarded {
  @OnMessage()
  whoAmI(connection: Connection<{ sub: string }>): string {
    return connection.user.sub;
  }
}

export const neighbour: Neighbour = {
  imports: [JwtModule.register({ secret: 'of the test', signOptions: { expiresIn: '1h' } })],
  providers: [Guarded],
  controllers: [TokenController],
  answers: Signing,
};
