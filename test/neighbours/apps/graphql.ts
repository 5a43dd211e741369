import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Injectable } from '@nestjs/common';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { Answers, type Neighbour } from './neighbour.js';

@Injectable()
class Resolved implements Answers {
  answer(): unknown {
    return 'resolved';
  }
}

@Resolver()
class AnswerResolver {
  constructor(private readonly answers: Answers) {}

  @Query(() => String)
  answer(): unknown {
    return this.answers.answer();
  }

  @Subscription(() => String)
  async *ticks(): AsyncGenerator<{ ticks: string }> {
    yield { ticks: 'first' };
    yield { ticks: 'second' };
  }
}

export const neighbour: Neighbour = {
  imports: [
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      subscriptions: { 'graphql-ws': true },
    }),
  ],
  providers: [AnswerResolver],
  answers: Resolved,
};
