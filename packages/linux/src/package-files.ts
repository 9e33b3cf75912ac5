import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LinuxError, reasonOf } from './linux-error.js';

/** What a package knows of itself and of one of its modules, which is in a folder of the package. */
export interface PackageDescription {
  /** Such as `@vgpu/linux`. */
  readonly name: string;
  /** As in its `package.json`. */
  readonly version: string;
  /** `import.meta.url` in that module; undefined where a bundler has made CommonJS of it. */
  readonly url: string | undefined;
  /** `__filename` in that module, where a bundler has made CommonJS of it. */
  readonly path: string | undefined;
}

/**
 * The files of an installed package. Also where a bundler has copied its modules into another file: the
 * package is then the one that is installed beside that file.
 */
export class PackageFiles {
  readonly #package: PackageDescription;
  #folder: string | undefined;

  /** @param description The package; nothing is read before a file is asked for. */
  constructor(description: PackageDescription) {
    this.#package = description;
  }

  /** The name of the package. */
  get name(): string {
    return this.#package.name;
  }

  /** The version of the package whose modules run. */
  get version(): string {
    return this.#package.version;
  }

  /**
   * The path of a file of the package.
   *
   * @param path Its path in the package.
   * @throws {LinuxError} `FILES_NOT_FOUND`: the package is not installed here.
   */
  at(path: string): string {
    this.#folder ??= this.#find();
    return join(this.#folder, path);
  }

  /**
   * The same for a message: begins with the name of the package where its folder is not known.
   *
   * @param path Its path in the package.
   */
  nameOf(path: string): string {
    try {
      return this.at(path);
    } catch {
      return join(this.name, path);
    }
  }

  #find(): string {
    const { name, version, url, path } = this.#package;
    const tried: string[] = [];
    const places = [
      () => url && dirname(dirname(fileURLToPath(url))),
      () => url && this.#installedBeside(url),
      () => path && this.#installedBeside(path),
    ];
    for (const place of places) {
      try {
        const candidate = place();
        if (!candidate) continue;
        if (this.#isIt(candidate)) return candidate;
        tried.push(`${candidate} is another package`);
      } catch (error) {
        tried.push(reasonOf(error));
      }
    }
    throw new LinuxError(
      'FILES_NOT_FOUND',
      `expected the files of ${name}, which are not in a bundle, but found none (${tried.join('; ')}): ` +
        `install ${name}@${version} where the bundle runs, best with ${name} external to the bundle`,
    );
  }

  #installedBeside(file: string): string {
    return dirname(createRequire(file).resolve(`${this.name}/package.json`));
  }

  #isIt(candidate: string): boolean {
    const manifest = readFileSync(join(candidate, 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { readonly name?: unknown }).name === this.name;
  }
}
