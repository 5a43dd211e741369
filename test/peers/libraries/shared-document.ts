import type { Doc } from 'yjs';

const answering = new WeakSet<Doc>();

/** The server's copy of a document answers in one list what clients ask in another. */
export function answerIn(document: Doc): void {
  if (answering.has(document)) return;
  answering.add(document);
  const [asked, answered] = [document.getArray<string>('asked'), document.getArray<string>('answered')];
  const answer = (): void => {
    const words = asked.toArray().slice(answered.length);
    if (words.length > 0) answered.push(words);
  };
  asked.observe(answer);
  answer();
}

/** One change of the document for each word, so one message for each. */
export function askIn(document: Doc, words: readonly string[]): Promise<readonly string[]> {
  const [asked, answered] = [document.getArray<string>('asked'), document.getArray<string>('answered')];
  const known = asked.length;
  for (const word of words) asked.push([word]);
  return new Promise((resolve) => {
    const look = (): void => {
      if (answered.length >= known + words.length) resolve(answered.toArray().slice(known));
    };
    answered.observe(look);
    look();
  });
}
