import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { describeIf } from './describe-if.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Like `describe`, for tests in a real browser; visibly skipped where there is none. */
export const describeInChromium = describeIf.bind(
  undefined,
  existsSync(CHROMIUM),
  'skipped: it needs Chromium (apt-get install chromium, or its path in CHROMIUM)',
);

/** A page, and what went wrong in it. */
export class Visit {
  readonly page: Page;
  readonly url: string;
  /** What the console showed, but for connections that end with a mediator. */
  readonly complaints: string[] = [];
  /** Where it asked for anything. */
  readonly origins = new Set<string>();

  private constructor(page: Page, url: string) {
    this.page = page;
    this.url = url;
    page.on('console', (message) => {
      const text = message.text();
      if (!text.startsWith('Failed to load resource: net::')) this.complaints.push(text);
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('request', (request) => this.origins.add(new URL(request.url()).origin));
  }

  static async open(
    browser: Browser,
    url: string,
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<Visit> {
    const visit = new Visit(await browser.newPage(options), url);
    await visit.page.goto(url);
    return visit;
  }

  /** The text of the cell of a VM under a heading. */
  async cell(vm: number, heading: string): Promise<string> {
    const cell = this.page.locator(`[data-vm="${vm}"] [data-title="${heading}"]`);
    return (await cell.textContent()) ?? '';
  }

  /** The VMs in the order in which the table shows them. */
  async order(): Promise<number[]> {
    const cells = this.page.locator('[data-vm] [data-title="VM"]');
    return (await cells.allTextContents()).map(Number);
  }
}

export function launchChromium(): Promise<Browser> {
  // The sandbox does not start as root; nothing but our own page is opened.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}
