import type { QueuedClient, ReceivedMessage } from '../../src/testing.js';

/** Takes the next messages, as many as are wanted. */
export async function take(client: QueuedClient, count: number): Promise<ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  while (messages.length < count) messages.push(await client.next());
  return messages;
}

/** Takes the next messages, parsed as JSON. */
export async function takeJson(client: QueuedClient, count: number): Promise<unknown[]> {
  return (await take(client, count)).map((message) => JSON.parse(message.toString()) as unknown);
}
