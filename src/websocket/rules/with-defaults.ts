/**
 * Makes an object of options: the defaults of its class, and over them what each layer defines, the last one on top.
 * What a layer has as `undefined` leaves what is below.
 */
export function withDefaults<Options extends object>(
  OptionClass: new () => Options,
  ...layers: readonly Partial<Options>[]
): Options {
  return Object.assign(new OptionClass(), ...layers.map(defined)) as Options;
}

/** Without the keys whose value is `undefined`, which would hide the default. */
function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
