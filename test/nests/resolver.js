import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const folder = join(import.meta.dirname, process.env['PLACK_TEST_NEST'] ?? '');
/** @type {{ dependencies: object }} */
const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/**
 * @typedef {object} ResolverOptions
 * @property {string} basedir
 * @property {(request: string, options: object) => string} defaultResolver
 */

/**
 * Finds the Nest that `PLACK_TEST_NEST` names, and what has to be the same for it and for the library.
 *
 * @param {string} request
 * @param {ResolverOptions} options
 * @returns {string}
 */
export default function resolve(request, options) {
  const name = request.split('/', request.startsWith('@') ? 2 : 1).join('/');
  const isOurs = !options.basedir.includes('/node_modules/');
  const basedir = isOurs && Object.hasOwn(dependencies, name) ? folder : options.basedir;
  return options.defaultResolver(request, { ...options, basedir });
}
