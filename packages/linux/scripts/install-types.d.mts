/**
 * Builds the addon of a package where the one that came with the package does not load; never fails.
 *
 * @param root The package's folder.
 */
export function installAddon(root: string): void;
