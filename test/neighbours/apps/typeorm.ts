import { Injectable } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { OnFinish, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import { Column, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';
import type { Answers, Neighbour } from './neighbour.js';

@Entity()
class Visit {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  name!: string;
}

@Injectable()
class Visits implements Answers {
  constructor(@InjectRepository(Visit) private readonly visits: Repository<Visit>) {}

  async answer(): Promise<unknown> {
    const { id } = await this.visits.save({ name: 'ada' });
    return (await this.visits.findOneByOrFail({ id })).name;
  }
}

/** Writes to the database when a client leaves, which a stopping application must still be able to do. */
@WsEndpoint('visit')
class VisitEndpoint {
  constructor(@InjectRepository(Visit) private readonly visits: Repository<Visit>) {}

  @OnMessage()
  hear(): string {
    return 'heard';
  }

  @OnFinish()
  async leave(): Promise<void> {
    await this.visits.save({ name: 'left' });
    process.send?.({ left: await this.visits.countBy({ name: 'left' }) });
  }
}

export const neighbour: Neighbour = {
  imports: [
    TypeOrmModule.forRoot({ type: 'sqljs', entities: [Visit], synchronize: true }),
    TypeOrmModule.forFeature([Visit]),
  ],
  providers: [VisitEndpoint],
  answers: Visits,
};
