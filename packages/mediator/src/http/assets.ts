import { readFileSync } from 'node:fs';
import { ownFile } from '../own-package.js';

/** What the page consists of; `scripts/build-page.mjs` makes it. */
const FOLDER = 'page/dist';

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/** What documents are made of; there is nothing about the mediator in it. */
export const ASSETS = ['page.js', 'page.css', 'sign-in.js', 'icon.svg'] as const;

export type AssetName = (typeof ASSETS)[number] | 'index.html' | 'sign-in.html';

/** A file of the page, and its media type. */
export interface Asset {
  readonly type: string;
  readonly content: Buffer;
}

export function readAsset(name: AssetName): Asset {
  const extension = name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES;
  return { type: TYPES[extension], content: readFileSync(ownFile(`${FOLDER}/${name}`)) };
}
