// `node scripts/repository-address.mjs [--check]`: writes the address of the repository, which stands in
// `repository` of the top package.json, into all other tracked files: manifests, READMEs, the systemd unit
// and its source. `--check` changes nothing, names the files that have another address, and exits with 1 if
// there are any.
//
// The former address is that of the packages' manifests. So edit the top package.json, then run this.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} folder */
function addressIn(folder) {
  /** @type {{ repository: { url: string } }} */
  const manifest = JSON.parse(readFileSync(join(REPOSITORY, folder, 'package.json'), 'utf8'));
  return manifest.repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
}

/** The address, such as `https://github.com/owner/name`. */
export const repositoryAddress = () => addressIn('.');

/**
 * Links to files of a GitHub repository's main branch: only this repository's are expected in tracked files.
 */
const OWN_LINK = /https:\/\/github\.com\/[\w.-]+\/[\w.-]+(?=\/(?:blob|tree)\/main\/)/g;

/** The tracked files of the repository, by their paths in it. */
export function trackedFiles() {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: REPOSITORY, encoding: 'utf8' });
  // One that was removed is listed until that is committed.
  return listed.split('\0').filter((file) => file !== '' && existsSync(join(REPOSITORY, file)));
}

/**
 * The tracked files whose text has another address of this repository, with the text that they should have.
 *
 * @returns {{ file: string, text: string }[]}
 */
export function filesToChange() {
  const address = repositoryAddress();
  const packages = readdirSync(join(REPOSITORY, 'packages')).map((name) => `packages/${name}`);
  const former = new Set(packages.map(addressIn));
  former.delete(address);
  return trackedFiles().flatMap((file) => {
    if (!/\.(?:md|json|ts|mjs|service|ya?ml)$/.test(file) || file.endsWith('lock.json')) return [];
    const before = readFileSync(join(REPOSITORY, file), 'utf8');
    let text = before.replaceAll(OWN_LINK, address);
    for (const other of former) text = text.replaceAll(other, address);
    return text === before ? [] : [{ file, text }];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isCheck = process.argv.includes('--check');
  const files = filesToChange();
  for (const { file, text } of files) {
    if (!isCheck) writeFileSync(join(REPOSITORY, file), text);
    console.log(`${isCheck ? 'has another address' : 'wrote'}: ${file}`);
  }
  if (isCheck && files.length > 0) process.exitCode = 1;
}
