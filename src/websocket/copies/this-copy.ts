import { fileURLToPath } from 'node:url';

/** Version of this library, as `package.json` has it. */
export const VERSION = '0.1.0';

/**
 * One copy of this library in the process. There is more than one where a package brings its own: by `npm link`, a nested
 * `node_modules`, two versions.
 */
export interface Copy {
  readonly version: string;
  /** Where it lies. */
  readonly folder: string;
  /** Its classes that others name as parameters and tokens, by the names that they have in the source. */
  readonly classes: Map<string, object>;
}

/** This copy. */
export const THIS_COPY: Copy = { version: VERSION, folder: packageOf(thisFile()), classes: new Map() };

/** Where all copies of a process meet. Each version reads what others wrote, so its form stays as it is. */
const COPIES = Symbol.for('nestjs-plack-websocket/copies');
const meeting = globalThis as { [COPIES]?: Copy[] };
(meeting[COPIES] ??= []).push(THIS_COPY);

/** The other copies that were loaded so far. */
export function otherCopies(): readonly Copy[] {
  return meeting[COPIES]?.filter((copy) => copy !== THIS_COPY) ?? [];
}

/** No `import.meta` and no `__dirname`: the same source is built as an ES module and as CommonJS. */
function thisFile(): string {
  const before: unknown = Reflect.get(Error, 'prepareStackTrace');
  const prepare = (_error: Error, [here]: readonly NodeJS.CallSite[]): unknown => here?.getFileName();
  Reflect.set(Error, 'prepareStackTrace', prepare);
  const file = new Error('for its stack').stack as unknown;
  Reflect.set(Error, 'prepareStackTrace', before);
  return typeof file === 'string' ? file : 'an unknown folder';
}

/** The folder of the package; in a bundle it is the file itself. */
function packageOf(file: string): string {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  return path.replace(/[\\/](?:dist|src)[\\/].*$/, '');
}
