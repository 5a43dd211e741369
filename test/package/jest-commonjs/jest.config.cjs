module.exports = {
  transform: {
    '\\.[jt]s$': [
      '@swc/jest',
      {
        module: { type: 'commonjs' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      },
    ],
  },
  // Nest is compiled too; by default jest leaves everything in node_modules as it is.
  transformIgnorePatterns: ['/node_modules/(?!@nestjs/)'],
};
