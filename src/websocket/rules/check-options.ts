import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { suggest } from './nearest-name.js';
import type { GroupRule, NumberRule, OptionRule, OptionTable } from './option-rule.js';
import { show } from './show-value.js';

/** Whose options are checked. */
export interface OptionsPlace {
  /** Begins every message: `@WsEndpoint of RoomEndpoint`. */
  readonly name: string;
  /** The place that holds the options which have to be left out here. */
  readonly module?: { readonly name: string; readonly options: OptionTable };
}

/**
 * Checks an object of options against its description, groups within groups as well. `undefined` stands for the default
 * and is taken everywhere.
 *
 * @returns what is dangerous about values that are taken, a sentence each.
 * @throws ConfigurationError for the first option that is unknown or wrong, with its path, what it must be and what it is.
 */
export function checkOptions(given: unknown, rule: GroupRule, place: OptionsPlace): readonly string[] {
  if (!isGroup(given)) throw new ConfigurationError(`${place.name} takes an object of options, not ${show(given)}.`);
  const pass: Pass = { place, warnings: [] };
  checkGroup(given, rule, '', pass);
  return pass.warnings;
}

interface Pass {
  readonly place: OptionsPlace;
  readonly warnings: string[];
}

function check(value: unknown, rule: OptionRule, path: string, pass: Pass): void {
  const branch = rule.kind === 'alternatives' ? rule.of.find((one) => hasShape(one, value)) : rule;
  if (branch === undefined || !hasShape(branch, value)) throw wrongValue(value, rule, path, pass);
  if (branch !== rule) check(value, branch, path, pass);
  else if (branch.kind === 'group') checkGroup(value as object, branch, path, pass);
  else if (branch.kind === 'list')
    (value as readonly unknown[]).forEach((member, index) => check(member, branch.member, `${path}[${index}]`, pass));
  else if (branch.kind === 'number' && !isInRange(value as number, branch)) throw wrongValue(value, rule, path, pass);
  const danger = rule.warn?.(value);
  if (danger !== undefined) pass.warnings.push(`${pass.place.name}: ${path} ${danger}`);
}

function checkGroup(given: object, rule: GroupRule, path: string, pass: Pass): void {
  for (const [name, value] of Object.entries(given)) {
    const known = Object.hasOwn(rule.options, name) ? rule.options[name] : undefined;
    const memberPath = path === '' ? name : `${path}.${name}`;
    if (known === undefined) {
      if (rule.isOpen) continue;
      throw unknownName(name, rule, memberPath, pass);
    }
    if (value === undefined) continue;
    if (known.onlyOnModule !== undefined) refuseOutsideOfModule(known.onlyOnModule, memberPath, pass);
    check(value, known, memberPath, pass);
  }
  for (const name of rule.required) {
    const required = rule.options[name];
    if (required === undefined || (given as Record<string, unknown>)[name] !== undefined) continue;
    throw wrongValue(undefined, required, path === '' ? name : `${path}.${name}`, pass);
  }
}

function refuseOutsideOfModule(reason: string, path: string, { place }: Pass): void {
  if (place.module === undefined) return;
  throw new ConfigurationError(`${place.name}: ${path} ${reason}. Set it in ${place.module.name}.`);
}

function unknownName(name: string, rule: GroupRule, path: string, { place }: Pass): ConfigurationError {
  const message = `${place.name} does not know the option ${JSON.stringify(path)}.`;
  if (place.module !== undefined && Object.hasOwn(place.module.options, path)) {
    return new ConfigurationError(`${message} It belongs to the module: set it in ${place.module.name}.`);
  }
  const [deeper] = pathsOf(name, rule.options);
  if (deeper !== undefined) return new ConfigurationError(`${message} Did you mean ${deeper}?`);
  const { nearest, others } = suggest(name, Object.keys(rule.options));
  if (nearest === undefined) return new ConfigurationError(`${message} Known are: ${others.join(', ')}.`);
  const meant = path.slice(0, path.length - name.length) + nearest;
  return new ConfigurationError(`${message} Did you mean ${meant}? The others are: ${others.join(', ')}.`);
}

/** Where groups further down have an option of this name. */
function pathsOf(name: string, options: OptionTable): string[] {
  return Object.entries(options).flatMap(([key, rule]) =>
    groupsIn(rule).flatMap((inner) =>
      Object.hasOwn(inner.options, name)
        ? [`${key}.${name}`]
        : pathsOf(name, inner.options).map((path) => `${key}.${path}`),
    ),
  );
}

function groupsIn(rule: OptionRule): GroupRule[] {
  if (rule.kind === 'group') return [rule];
  return rule.kind === 'alternatives' ? rule.of.flatMap(groupsIn) : [];
}

function wrongValue(value: unknown, rule: OptionRule, path: string, { place }: Pass): ConfigurationError {
  return new ConfigurationError(`${place.name}: ${path} must be ${toWords(rule)}, not ${show(value)}.`);
}

/** Tells whether a value is meant for this form of an option, so that a fault within it can be named. */
function hasShape(rule: OptionRule, value: unknown): boolean {
  switch (rule.kind) {
    case 'value':
      return rule.test(value);
    case 'number':
      return typeof value === 'number';
    case 'list':
      return Array.isArray(value);
    case 'group':
      return isGroup(value);
    case 'alternatives':
      return rule.of.some((one) => hasShape(one, value));
  }
}

function isInRange(value: number, { min, max, zero }: NumberRule): boolean {
  if (value === 0 && zero !== undefined) return true;
  return Number.isInteger(value) && value >= min && (max === undefined || value <= max);
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toWords(rule: OptionRule): string {
  const forms = formsOf(rule);
  const last = forms.at(-1) ?? '';
  if (forms.length < 3) return forms.join(' or ');
  return `${forms.slice(0, -1).join(', ')}, or ${last}`;
}

function formsOf(rule: OptionRule): readonly string[] {
  switch (rule.kind) {
    case 'value':
      return rule.words;
    case 'number':
      return rule.zero === undefined ? [rangeOf(rule)] : [`0 (${rule.zero})`, rangeOf(rule)];
    case 'list':
      return [rule.words];
    case 'group':
      return [`an object with ${rule.required.length === 0 ? 'any of ' : ''}${Object.keys(rule.options).join(', ')}`];
    case 'alternatives':
      return rule.of.flatMap(formsOf);
  }
}

function rangeOf({ unit, min, max }: NumberRule): string {
  const number = unit === undefined ? 'a whole number' : `a whole number of ${unit}`;
  return max === undefined ? `${number}, at least ${min}` : `${number} between ${min} and ${max}`;
}
