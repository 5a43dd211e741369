import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { fileOf } from '../../support/pages.js';

const WORKFLOWS = '.github/workflows';

describe.each(readdirSync(fileOf(WORKFLOWS)))('the workflow %s', (name) => {
  const text = readFileSync(fileOf(`${WORKFLOWS}/${name}`), 'utf8');

  it('pins actions by commit, with their version beside it', () => {
    const used = [...text.matchAll(/^ *-? *uses: .*$/gm)].map(([line]) => line.trim());
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it('may only read, unless a job asks for more', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n/m);
  });

  it('calls scripts that can be run anywhere', () => {
    const scripts = [...text.matchAll(/run: bash (\S+)/g)].map(([, script = '']) => script);
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) accessSync(fileOf(script), constants.X_OK);
  });
});
