/**
 * The ladder of src/websocket: a folder imports itself and what is below it, types included.
 * A port is declared where it is used and implemented above, so an import upwards always means a port is missing.
 */
const websocket = '^src/websocket/';

/** From the top to the bottom; entries and module are files, the rest are folders. Neighbours on one rung do not know each other. */
const rungs = [
  [{ name: 'entries', path: '^src/[^/]+[.]ts$' }],
  [{ name: 'module', path: `${websocket}[^/]+[.]ts$` }],
  ...[
    ['options'],
    ['adapter'],
    ['lifecycle'],
    ['endpoint', 'registry'],
    ['connection'],
    ['limits'],
    ['request', 'routing'],
    ['backplane'],
    ['serializer'],
    ['observer'],
    ['async'],
    ['log'],
    ['rules'],
    ['errors'],
    ['copies'],
    ['protocol'],
  ].map((rung) => rung.map((folder) => ({ name: folder, path: `${websocket}${folder}/` }))),
];
const ladder = rungs.flat();

const audience = `${websocket}connection/audience[.]ts$`;
const testing = `${websocket}testing/`;
const npm = (name) => `(^|/)node_modules/(@types/)?${name}/`;

/** A folder and the rungs below it are allowed; everything else under src is above or beside it, or unknown to the ladder. */
const ladderRules = rungs.slice(1).flatMap((rung, index) =>
  rung.map((folder) => {
    const below = rungs.slice(index + 2).flat();
    return {
      name: `ladder-${folder.name}`,
      comment: `${folder.name} imports itself and what is below it: ${below.map(({ name }) => name).join(', ')}`,
      severity: 'error',
      from: { path: folder.path },
      to: { path: '^src/', pathNot: [folder, ...below].map((allowed) => allowed.path) },
    };
  }),
);

module.exports = {
  forbidden: [
    ...ladderRules,
    {
      name: 'every-folder-has-a-rung',
      comment: 'A folder that the ladder does not name would be held by no rule: give it a place there first',
      severity: 'error',
      from: { path: '^src/', pathNot: [...ladder.map((rung) => rung.path), testing] },
      to: {},
    },
    {
      name: 'no-import-of-an-entry',
      comment: 'An entry is the surface for users; inside, a file is imported from where it lives',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: ladder[0].path },
    },
    {
      name: 'stages-do-not-know-each-other',
      comment: 'The stages of a connection are told in order by lifecycle/connection-lifecycle.ts and by nothing else',
      severity: 'error',
      from: { path: `${websocket}lifecycle/([^/]+)/` },
      to: { path: `${websocket}lifecycle/[^/]+/`, pathNot: `${websocket}lifecycle/$1/` },
    },
    {
      name: 'protocol-imports-nothing',
      comment: 'Facts of RFC 6455 are pure: no package, not even a module of Node',
      severity: 'error',
      from: { path: `${websocket}protocol/` },
      to: { pathNot: `${websocket}protocol/` },
    },
    {
      name: 'ws-only-at-the-wire',
      comment: 'The `ws` package is a detail of the adapter (and of the test client)',
      severity: 'error',
      from: { path: '^src/', pathNot: [`${websocket}adapter/`, testing] },
      to: { path: [npm('ws'), '^ws(/|$)'] },
    },
    {
      name: 'rxjs-only-at-the-edge',
      comment: 'Observables are adapted where users hand them in; the core path has none',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          `${websocket}endpoint/`,
          `${websocket}lifecycle/message/`,
          `${websocket}adapter/`,
          `${websocket}async/`,
        ],
      },
      to: { path: [npm('rxjs'), '^rxjs(/|$)'] },
    },
    {
      name: 'nest-by-its-front-door',
      comment:
        'Nest 10, 11 and 12 have no path inside their packages in common; what is not exported is reached in adapter/nest/',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '(^|/)@nestjs/[^/]+/(?!index[.]).+' },
    },
    {
      name: 'testing-is-a-leaf',
      comment: 'Only the entry src/testing.ts may bring test tools along',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing[.]ts$', testing] },
      to: { path: testing },
    },
    {
      name: 'testing-entry-has-only-testing',
      comment: 'A class exported from two entries has two places to look it up',
      severity: 'error',
      from: { path: '^src/testing[.]ts$' },
      to: { path: '^src/', pathNot: testing },
    },
    {
      name: 'optional-peers-only-from-their-entry',
      comment: 'An application without Redis or NATS has to boot without their clients',
      severity: 'error',
      from: { path: '^src/(index|testing)[.]ts$' },
      to: { path: `${websocket}backplane/(redis|nats)`, reachable: true },
    },
    {
      name: 'no-inner-index',
      comment: 'src/index.ts is the only barrel: a cycle through another one crashes at boot',
      severity: 'error',
      from: { path: '^src/.+/index[.]ts$' },
      to: {},
    },
    {
      name: 'no-import-of-an-inner-index',
      comment: 'src/index.ts is the only barrel: a cycle through another one crashes at boot',
      severity: 'error',
      from: {},
      to: { path: '^src/.+/index[.]ts$' },
    },
    {
      name: 'no-cycle',
      comment: 'With ESM and decorator metadata even a cycle of types crashes at boot',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: audience } },
    },
    {
      name: 'audience-is-only-types',
      comment:
        'A connection has audiences and an audience has connections: two types that name each other. No code does.',
      severity: 'error',
      from: { path: audience },
      to: { dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-knows-only-itself',
      comment: 'The package does not import its tests or its samples',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|sample)/' },
    },
    {
      name: 'src-imports-only-what-it-declares',
      comment: 'What is not in dependencies or peerDependencies is missing at the user',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      },
    },
    {
      name: 'samples-import-the-package-by-name',
      comment: 'A sample is code that a user can copy',
      severity: 'error',
      from: { path: '^sample/' },
      to: { path: '^(src|test|dist)/', dependencyTypesNot: ['aliased-tsconfig-paths'] },
    },
    {
      name: 'samples-do-not-know-each-other',
      comment: 'Each sample is its own idea and can be copied alone',
      severity: 'error',
      from: { path: '^sample/([^/]+)/' },
      to: { path: '^sample/', pathNot: '^sample/$1/' },
    },
    {
      name: 'nothing-unresolved',
      comment:
        'An import that leads nowhere is held by no rule; neighbours, peers and projects are installed for their tests only',
      severity: 'error',
      from: { pathNot: '^test/(dev-proxies/page|neighbours/apps|peers|projects/files)/|^test/runtimes/serve[.]ts$' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
