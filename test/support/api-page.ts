import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { fileOf } from './pages.js';

const WIDTH = 118;

/** Public names of a group, as an entry file exports them below a comment. */
interface Group {
  readonly title: string;
  readonly exports: readonly { readonly name: string; readonly source: string }[];
}

const ENTRIES = [
  { path: 'src/index.ts', name: 'nestjs-plack-websocket' },
  { path: 'src/testing.ts', name: 'nestjs-plack-websocket/testing' },
];

const files = new Map<string, ts.SourceFile>();

/** The page that has every exported name with its docstring, made from the sources alone. */
export function renderApiPage(): string {
  const sections = ENTRIES.flatMap(({ path, name }) =>
    groupsOf(path).map(({ title, exports }) => {
      const heading = title === '' ? `## \`${name}\`` : `## ${title}`;
      return [heading, ...exports.map((one) => renderExport(one.name, one.source))].join('\n\n');
    }),
  );
  return `# API

Everything that \`nestjs-plack-websocket\` and \`nestjs-plack-websocket/testing\` export, in the words of the docstrings in the
source. \`npm run pages\` writes this page.

${sections.join('\n\n')}
`;
}

/** A comment of one line before an export begins a group. */
function groupsOf(entry: string): Group[] {
  const file = parse(entry);
  const groups: { title: string; exports: { name: string; source: string }[] }[] = [];
  for (const statement of file.statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) continue;
    const comments = ts.getLeadingCommentRanges(file.text, statement.pos) ?? [];
    const title = comments.map(({ pos, end }) => file.text.slice(pos, end)).find((text) => text.startsWith('// '));
    if (title !== undefined || groups.length === 0) groups.push({ title: title?.slice(3) ?? '', exports: [] });
    if (!ts.isNamedExports(statement.exportClause)) throw new Error(`${entry} exports more than names.`);
    const module = (statement.moduleSpecifier as ts.StringLiteral).text.replace(/\.js$/, '.ts');
    const source = normalize(join(dirname(entry), module));
    groups.at(-1)?.exports.push(...statement.exportClause.elements.map(({ name }) => ({ name: name.text, source })));
  }
  return groups;
}

function parse(path: string): ts.SourceFile {
  const known = files.get(path);
  if (known !== undefined) return known;
  const file = ts.createSourceFile(path, readFileSync(fileOf(path), 'utf8'), ts.ScriptTarget.ES2022, true);
  files.set(path, file);
  return file;
}

function renderExport(name: string, source: string): string {
  const declarations = parse(source).statements.filter((statement) => nameOf(statement) === name);
  if (declarations.length === 0) throw new Error(`${source} does not declare ${name}.`);
  const parts = declarations.flatMap((declaration) => [
    paragraph(`\`${signatureOf(declaration)}\``),
    ...renderDoc(declaration, ''),
    ...(isOptionClass(declaration)
      ? [`Its options are a [list](options.md) with units and defaults.`]
      : renderMembers(declaration)),
  ]);
  return [`### ${name}`, ...parts].join('\n\n');
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]?.name.getText();
  return (statement as Partial<ts.ClassDeclaration>).name?.text;
}

/** Those of `docs/reference/options.md` and `docs/guide/06-testing.md`, where defaults and units are compared as well. */
function isOptionClass(declaration: ts.Node): boolean {
  return (
    ts.isClassDeclaration(declaration) &&
    declaration.name?.text.endsWith('Options') === true &&
    !declaration.name.text.startsWith('Connect')
  );
}

type Documented = ts.Node & { readonly jsDoc?: readonly ts.JSDoc[] };

/** `class X<T> extends Y`, `interface X`, `type X = …`, `const X`, `X(…): …`. */
function signatureOf(node: ts.Node): string {
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
    const isAbstract = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AbstractKeyword) === true;
    const kind = ts.isClassDeclaration(node) ? `${isAbstract ? 'abstract ' : ''}class` : 'interface';
    return oneLine(`${kind} ${textBetween(node.name ?? node, bodyStart(node))}`);
  }
  if (ts.isTypeAliasDeclaration(node))
    return oneLine(
      node
        .getText()
        .replace(/^export /, '')
        .replace(/;$/, ''),
    );
  if (ts.isVariableStatement(node)) {
    const [declaration] = node.declarationList.declarations;
    const type = declaration?.type === undefined ? '' : `: ${declaration.type.getText()}`;
    return oneLine(`const ${declaration?.name.getText()}${type}`);
  }
  if (ts.isFunctionDeclaration(node)) return oneLine(textBetween(node.name ?? node, node.body?.pos ?? node.end));
  throw new Error(`${ts.SyntaxKind[node.kind]} has no signature.`);
}

function bodyStart(node: ts.ClassDeclaration | ts.InterfaceDeclaration): number {
  return node.getSourceFile().text.lastIndexOf('{', node.members.pos);
}

function textBetween(from: ts.Node, end: number): string {
  return from.getSourceFile().text.slice(from.getStart(), end);
}

function oneLine(text: string): string {
  return text
    .replaceAll(/\/\*\*.*?\*\//gs, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/([(<]) | (?=[)>])|,(?= \))/g, '$1')
    .replace(/, ?(?=[)>])/g, '')
    .replaceAll('= | ', '= ')
    .replace(/;$/, '')
    .trim();
}

function renderMembers(declaration: ts.Node): string[] {
  const members: string[] = [];
  if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
    const all: readonly (ts.ClassElement | ts.TypeElement)[] = declaration.members;
    const withSetter = new Set(all.filter(ts.isSetAccessor).map(({ name }) => name.getText()));
    for (const member of all) {
      const signature = isPublic(member) ? signatureOfMember(member, withSetter) : undefined;
      if (signature !== undefined) members.push(item(signature, member));
      if (ts.isConstructorDeclaration(member)) members.push(...parameterProperties(member));
    }
  } else if (ts.isVariableStatement(declaration)) {
    for (const property of propertiesOf(declaration)) members.push(item(oneLine(property.getText()), property));
  }
  return members;
}

/** Those of a constant whose members have docstrings, as `CloseCode`. */
function propertiesOf(statement: ts.VariableStatement): ts.ObjectLiteralElementLike[] {
  const initializer = statement.declarationList.declarations[0]?.initializer;
  const object = initializer !== undefined && ts.isAsExpression(initializer) ? initializer.expression : initializer;
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return [];
  return object.properties.filter((property: Documented) => property.jsDoc !== undefined);
}

function isPublic(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return false;
  const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
  const hidden = [ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword, ts.SyntaxKind.OverrideKeyword];
  return !modifiers.some(({ kind }) => hidden.includes(kind)) && !rawDocOf(member).includes('@internal');
}

function signatureOfMember(
  member: ts.ClassElement | ts.TypeElement,
  withSetter: ReadonlySet<string>,
): string | undefined {
  if (rawDocOf(member) === '') return undefined;
  if (ts.isGetAccessor(member)) {
    const readonly = withSetter.has(member.name.getText()) ? '' : 'readonly ';
    return oneLine(`${readonly}${member.name.getText()}: ${member.type?.getText() ?? 'unknown'}`);
  }
  if (ts.isConstructorDeclaration(member)) {
    return oneLine(`constructor${textBetween(member, member.body?.pos ?? member.end).replace(/^constructor/, '')}`);
  }
  if (ts.isMethodDeclaration(member)) {
    const isStatic = member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) === true;
    const end = member.body?.pos ?? member.end;
    return oneLine(`${isStatic ? 'static ' : ''}${textBetween(member.name, end)}`);
  }
  return ts.isSetAccessor(member) ? undefined : oneLine(member.getText().replace(/^abstract /, ''));
}

/** `constructor(readonly status: number)` makes properties. */
function parameterProperties(constructor: ts.ConstructorDeclaration): string[] {
  return constructor.parameters
    .filter((parameter) => ts.isParameterPropertyDeclaration(parameter, constructor) && rawDocOf(parameter) !== '')
    .filter(({ modifiers }) => modifiers?.every(({ kind }) => kind !== ts.SyntaxKind.PrivateKeyword) === true)
    .map((parameter) => item(oneLine(parameter.getText()), parameter));
}

function item(signature: string, node: ts.Node): string {
  const [first = '', ...rest] = renderDoc(node, '  ');
  return [`- ${wrap(`\`${signature}\`:`, '  ', WIDTH - 2)}\n${first}`, ...rest].join('\n\n');
}

/** Paragraphs of a docstring; examples stay in the source, where an editor shows them. */
function renderDoc(node: ts.Node, indent: string): string[] {
  const [before = ''] = rawDocOf(node).split(/^@example$/m);
  return before
    .split(/\n\n+|\n(?=@)|\n(?=- )/)
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const said = text
        .replaceAll(/\{@link (\w+)\}/g, '`$1`')
        .replace(/^@param (\S+) ?(?:- )?/, 'Parameter `$1`: ')
        .replace(/^@returns? /, 'Returns ')
        .replaceAll(/@throws (\w+) ?/g, 'Throws `$1` ')
        .replaceAll(/\s+/g, ' ');
      return said.startsWith('- ')
        ? `${indent}- ${wrap(said.slice(2), `${indent}  `, WIDTH - 4)}`
        : paragraph(said, indent);
    });
}

/** The text of the last docstring before a node, without its asterisks. */
function rawDocOf(node: ts.Node): string {
  const doc = (node as Documented).jsDoc?.at(-1)?.getText() ?? '';
  return doc
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .replaceAll(/^[ \t]*\* ?/gm, '')
    .trim();
}

function paragraph(text: string, indent = ''): string {
  return `${indent}${wrap(text, indent, WIDTH - indent.length)}`;
}

function wrap(text: string, indent: string, width: number): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${indent}`);
}
