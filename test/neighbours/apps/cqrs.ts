import { Injectable } from '@nestjs/common';
import { CommandBus, CommandHandler, CqrsModule, EventBus, EventsHandler, QueryBus, QueryHandler } from '@nestjs/cqrs';
import type { ICommandHandler, IEventHandler, IQueryHandler } from '@nestjs/cqrs';
import type { Answers, Neighbour } from './neighbour.js';

class Note {
  constructor(readonly text: string) {}
}
class Notes {}
class Noted {
  constructor(readonly text: string) {}
}

const notes: string[] = [];

@CommandHandler(Note)
class NoteHandler implements ICommandHandler<Note> {
  constructor(private readonly events: EventBus) {}

  async execute({ text }: Note): Promise<void> {
    this.events.publish(new Noted(text));
  }
}

@EventsHandler(Noted)
class NotedHandler implements IEventHandler<Noted> {
  handle({ text }: Noted): void {
    notes.splice(0, notes.length, text);
  }
}

@QueryHandler(Notes)
class NotesHandler implements IQueryHandler<Notes> {
  async execute(): Promise<string[]> {
    return notes;
  }
}

@Injectable()
class Buses implements Answers {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  async answer(): Promise<unknown> {
    await this.commands.execute(new Note('noted'));
    return this.queries.execute(new Notes());
  }
}

export const neighbour: Neighbour = {
  imports: [CqrsModule.forRoot()],
  providers: [NoteHandler, NotedHandler, NotesHandler],
  answers: Buses,
};
