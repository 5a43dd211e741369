/** Characters of a value that a message shows. */
const MAX_SHOWN = 100;

/** A value as a message about it shows it: one short line for a value of any kind. */
export function show(value: unknown): string {
  let shown: string;
  try {
    shown = textOf(value);
  } catch {
    shown = 'a value that cannot be shown';
  }
  return shown.length <= MAX_SHOWN ? shown : `${shown.slice(0, MAX_SHOWN)}…`;
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'function':
      return value.name === '' ? 'a function without a name' : `the function ${value.name}`;
    case 'bigint':
      return `${value}n`;
    case 'number':
    case 'symbol':
    case 'undefined':
      return String(value);
    default:
      return value instanceof RegExp ? String(value) : (JSON.stringify(value) ?? 'an object');
  }
}
