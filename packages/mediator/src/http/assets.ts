import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ownFiles } from '../own-files.js';

/** The folder of the page's files, which `scripts/build-page.mjs` makes. */
const FOLDER = 'page/dist';

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

const INLINE_SCRIPT = /<script>(.*?)<\/script>/gs;

/** Static files of the documents, without data of the mediator. */
export const ASSETS = ['page.js', 'page.css', 'sign-in.js', 'icon.svg'] as const;

export type AssetName = (typeof ASSETS)[number] | 'index.html' | 'sign-in.html';

/** A file of the page, and its media type. */
export interface Asset {
  readonly type: string;
  readonly content: Buffer;
  /** Hashes of its inline scripts, for a content security policy. */
  readonly scriptHashes: readonly string[];
}

export function readAsset(name: AssetName): Asset {
  const extension = name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES;
  const content = readFileSync(ownFiles.at(`${FOLDER}/${name}`));
  const scripts = extension === 'html' ? content.toString().matchAll(INLINE_SCRIPT) : [];
  const scriptHashes = [...scripts].map(
    ([, script = '']) => `sha256-${createHash('sha256').update(script).digest('base64')}`,
  );
  return { type: TYPES[extension], content, scriptHashes };
}
