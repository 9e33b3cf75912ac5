import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryAddress } from '../scripts/repository-address.mjs';

interface Manifest {
  readonly version?: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly homepage?: string;
  readonly repository?: { readonly url: string };
  readonly dependencies?: Readonly<Record<string, string>>;
}

const repository = resolve(import.meta.dirname, '..');
const names = readdirSync(join(repository, 'packages'));

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8')) as Manifest;
}

const root = manifestOf('.');
const url = repositoryAddress();

describe('the manifest', () => {
  it('of the workspace is not for publishing, and says where it is developed', () => {
    expect(root).toMatchObject({
      private: true,
      license: 'MIT',
      homepage: `${url}#readme`,
      bugs: `${url}/issues`,
      repository: { type: 'git', url: `git+${url}.git` },
    });
  });

  it.each(names)('of %s says what it is, whose, and for which Node', (name) => {
    const manifest = manifestOf(`packages/${name}`);
    expect(manifest).toMatchObject({
      name: `@vgpu/${name}`,
      license: 'MIT',
      type: 'module',
      homepage: `${url}/tree/main/packages/${name}#readme`,
      bugs: `${url}/issues`,
      repository: { ...root.repository, directory: `packages/${name}` },
      engines: { node: '>=20.19.0' },
      publishConfig: { access: 'public' },
    });
    expect(manifest.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(manifest.keywords?.length).toBeGreaterThanOrEqual(4);
    expect(new Set(manifest.keywords).size).toBe(manifest.keywords?.length);
  });

  it('of each package has a description of its own', () => {
    const descriptions = names.map((name) => manifestOf(`packages/${name}`).description ?? '');
    for (const description of descriptions) expect(description).toMatch(/^[A-Z].{30,}[^.]$/);
    expect(new Set(descriptions).size).toBe(names.length);
  });

  it.each(names)('of %s depends on siblings as they are in the workspace', (name) => {
    const { dependencies = {} } = manifestOf(`packages/${name}`);
    for (const [other, range] of Object.entries(dependencies)) {
      // What is bundled of a package with an addon loads the addon of the same version only.
      const sibling = /cuda-binding|linux/.test(other) ? 'workspace:*' : 'workspace:^';
      expect([other, range]).toEqual([other, other.startsWith('@vgpu/') ? sibling : range]);
      expect(range).toMatch(/^(?:\^|workspace:)/);
    }
  });
});
