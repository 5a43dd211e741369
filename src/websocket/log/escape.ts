/**
 * What a line of the log never has as it is: C0 and C1 controls, line and paragraph separators, marks that turn the
 * direction of text around, and halves of surrogate pairs. With them a client could print lines of its own.
 */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- these are meant
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

/** One line of at most `maxLength` characters; what is longer ends with the number of characters that are left out. */
export function escapeLine(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? text.slice(0, maxLength) : text;
  const escaped = cut.replace(UNPRINTABLE, escapeCharacter);
  return cut === text ? escaped : `${escaped}… (${text.length - maxLength} more characters)`;
}

function escapeCharacter(character: string): string {
  return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
