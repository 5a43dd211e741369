/** The head of a group that only holds together what is in it; a lookahead or lookbehind does more. */
const GROUP_HEAD = /^\((?:\?:|\?<[^=!>]+>)?(?!\?)/;

/**
 * Tells whether a pattern can only fit a whole text: each of its branches begins with `^` and ends with `$`. A pattern
 * that says the same in another way counts as open.
 */
export function isAnchored(pattern: RegExp): boolean {
  return isAnchoredSource(pattern.source);
}

function isAnchoredSource(source: string): boolean {
  return branchesOf(source).every((branch) => {
    if (branch.startsWith('^') && endsWithAnchor(branch)) return true;
    const [head] = GROUP_HEAD.exec(branch) ?? [];
    return head !== undefined && isOneGroup(branch) && isAnchoredSource(branch.slice(head.length, -1));
  });
}

/** The parts between the `|` that are outside of groups and classes. */
function branchesOf(source: string): string[] {
  const branches: string[] = [];
  let start = 0;
  for (const { index, character, depth } of syntaxOf(source)) {
    if (character !== '|' || depth > 0) continue;
    branches.push(source.slice(start, index));
    start = index + 1;
  }
  return [...branches, source.slice(start)];
}

/** The parenthesis that begins the branch is closed by its last character, and not before. */
function isOneGroup(branch: string): boolean {
  const closing = [...syntaxOf(branch)].find(({ character, depth }) => character === ')' && depth === 0);
  return closing?.index === branch.length - 1;
}

function endsWithAnchor(branch: string): boolean {
  const last = [...syntaxOf(branch)].at(-1);
  return last?.character === '$' && last.depth === 0 && last.index === branch.length - 1;
}

interface Syntax {
  readonly index: number;
  readonly character: string;
  /** Groups around it; a closing parenthesis is outside of its own. */
  readonly depth: number;
}

/**
 * The characters that mean something, without what is escaped and what is in a class. Classes within a class (flag
 * `v`) need no care: groups and `|` have to be escaped there.
 */
function* syntaxOf(source: string): Iterable<Syntax> {
  let depth = 0;
  let isInClass = false;
  for (let index = 0; index < source.length; index++) {
    const character = source.charAt(index);
    if (character === '\\') index++;
    else if (isInClass) isInClass = character !== ']';
    else if (character === '[') isInClass = true;
    else {
      if (character === ')') depth--;
      yield { index, character, depth };
      if (character === '(') depth++;
    }
  }
}
