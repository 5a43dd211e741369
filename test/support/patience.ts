/**
 * Scales the longest time that a test waits for something by `PLACK_TEST_PATIENCE`, 1 if it is not set. Such a wait ends
 * early when all is well, so a larger factor helps a slow machine and costs a fast one nothing. A time that a test is
 * about stays as it is.
 */
export function patient(milliseconds: number): number {
  const given = process.env['PLACK_TEST_PATIENCE'] ?? '1';
  const factor = Number(given);
  if (!(factor > 0 && factor < Infinity)) {
    throw new RangeError(`PLACK_TEST_PATIENCE must be a number above 0, such as 3 on a slow machine, not "${given}".`);
  }
  return milliseconds * factor;
}
