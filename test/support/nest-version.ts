/** The older Nest that the tests run with, by its major; `undefined` for that of package.json. See test/nests. */
export const NEST = process.env['PLACK_TEST_NEST'];
