import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Registry } from '@vgpu/mediator';
import type { Browser } from 'playwright-core';
import { describeInChromium, launchChromium, Visit } from './support/browser.js';
import { MediatorProcess, runMediator, TestRoot } from './support/processes.js';
import { ReverseProxy } from './support/reverse-proxy.js';

const TOKEN = 'a-token-of-some-length';
const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script>&lt;b&gt;';

describeInChromium('the page', () => {
  let browser: Browser;
  let root: TestRoot;
  let mediator: MediatorProcess;
  const visits: Visit[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
  });

  beforeEach(() => {
    root = new TestRoot([1, 2, 3]);
    const registry = new Registry(`${root.path}-state`);
    registry.set(1, { pool: 'A', priority: 0 });
    registry.set(2, { pool: 'B', priority: 2 });
  });
  afterEach(async () => {
    const all = visits.splice(0);
    for (const { page } of all) await page.close();
    await mediator.stop();
    root.remove();
    // Whatever a test is about: nothing in the console, and nothing asked for elsewhere.
    expect(all.flatMap(({ complaints }) => complaints)).toEqual([]);
    for (const { origins, url } of all) expect([...origins]).toEqual([new URL(url).origin]);
  });

  async function serve(address = '127.0.0.1:0', ...flags: string[]): Promise<string> {
    mediator = await MediatorProcess.serving(root, '--http', address, ...flags);
    const [line] = mediator.logged('serving metrics and the page');
    return String(line?.['http']);
  }

  async function visit(
    url: string,
    options: Parameters<typeof Visit.open>[2] = {},
  ): Promise<Visit> {
    const opened = await Visit.open(browser, url, options);
    visits.push(opened);
    return opened;
  }

  it('loads, and shows what there is', async () => {
    const { page, ...seen } = await visit(await serve('127.0.0.1:0', '--devices', '0,1'));
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.title()).toBe('vGPU Mediator');
    expect(await page.locator('[data-vm]').count()).toBe(3);
    expect(await page.locator('[data-vm="1"]').innerText()).toMatch(/^1\s+active\s+A\s+low\s+0/);
    expect(await page.locator('[data-vm="3"]').innerText()).toMatch(/active, not registered/);
    expect(await page.locator('#devices li').count()).toBe(2);
    expect(await page.locator('#chart canvas').count()).toBe(1);
    expect(await page.getByText('2 of 3 registered').count()).toBe(1);
    expect(seen.complaints).toEqual([]);
  });

  it('follows a load while it runs', async () => {
    const visited = await visit(await serve('127.0.0.1:0', '--cpu-delay', '50'));
    for (let n = 0; n < 30; n += 1) root.drop(1, `low-${n}`, 'A:0:1:1:2\n');
    root.drop(2, 'high', 'B:2:2:1:2\n');
    const { page } = visited;
    // It is seen on the way, not only at the end.
    const queued = page.locator('#queue-low');
    let now = 0;
    while (now === 0 || now === 30) now = Number(await queued.innerText());
    await eventually(() => visited.cell(1, 'Answered'), '30');
    await eventually(() => visited.cell(2, 'Answered'), '1');
    await eventually(() => visited.cell(1, 'Queued'), '0');
    expect(await visited.cell(1, 'Wait p99')).toMatch(/ m?s$/);
    expect(await page.locator('#latest tr').count()).toBe(31);
    expect(await page.locator('#latest').innerText()).toContain('B high · high');
    await eventually(() => page.locator('#tile-answered').innerText(), '31 since the start');
  });

  it('says which pool waits for a device', async () => {
    const { page } = await visit(await serve());
    const problem = page.locator('#waiting-pools');
    const set = (devices: string) =>
      runMediator('pool', 'set', 'A', '--devices', devices, '--root', root.path);
    expect(await set('7,8')).toMatchObject({ status: 0 });
    await eventually(() => problem.innerText(), 'pool A waits: none of its devices 7, 8 works');
    expect(await set('all')).toMatchObject({ status: 0 });
    await eventually(() => problem.innerText(), '');
  });

  it('shows what a VM wrote as text, whatever it is', async () => {
    const { page } = await visit(await serve());
    root.drop(3, 'x', `A:1:3:${HOSTILE}:2\n`);
    const troubles = page.locator('#troubles');
    await troubles.getByText('BAD_REQUEST').waitFor();
    expect(await troubles.innerText()).toContain('<img src=x onerror=alert(1)>');
    expect(await page.locator('#troubles :is(img, script)').count()).toBe(0);
    expect(await page.locator('#latest :is(img, script)').count()).toBe(0);
    // A name that is no request's never gets here; nor does a directory that is no VM's.
    writeFileSync(root.in(3, 'request-<b>.txt'), 'A:1:3:1:2\n');
    await eventually(() => page.locator('#latest tr').count(), 1);
  });

  it('says that the connection is lost, and goes on after a restart', async () => {
    const url = await serve();
    const visited = await visit(url);
    const { page } = visited;
    root.drop(1, 'before', 'A:0:1:1:2\n');
    await eventually(() => visited.cell(1, 'Answered'), '1');
    mediator.signal('SIGKILL');
    await mediator.exited;
    const connection = page.getByRole('status');
    await connection
      .getByText(/^Connection lost; this is of \d\d:\d\d:\d\d\. Trying again$/)
      .waitFor();
    expect(await visited.cell(1, 'Answered')).toBe('1');
    root.drop(1, 'after', 'A:0:1:1:2\n');
    root.drop(1, 'after-too', 'A:0:1:1:2\n');
    await serve(new URL(url).host);
    await connection.getByText('Live', { exact: true }).waitFor();
    await eventually(() => visited.cell(1, 'Answered'), '2');
  });

  it('is sorted by keys, up and down, and stays so', async () => {
    const visited = await visit(await serve());
    const { page } = visited;
    root.drop(2, 'x', 'B:2:2:1:2\n');
    root.drop(2, 'y', 'B:2:2:1:2\n');
    root.drop(3, 'x', 'B:2:3:1:2\n');
    await eventually(() => visited.cell(2, 'Answered'), '2');
    await eventually(() => visited.cell(3, 'Answered'), '1');
    expect(await visited.order()).toEqual([1, 2, 3]);
    // From the top: past the link that skips, the theme, and to the sixth heading.
    await page.getByRole('button', { name: /^Theme/ }).focus();
    for (let n = 0; n < 6; n += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await visited.order()).toEqual([2, 3, 1]);
    const heading = page.getByRole('columnheader', { name: 'Answered' });
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
    await page.keyboard.press('Space');
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    expect(await visited.order()).toEqual([1, 3, 2]);
    root.drop(1, 'a', 'A:0:1:1:2\n');
    root.drop(1, 'b', 'A:0:1:1:2\n');
    root.drop(1, 'c', 'A:0:1:1:2\n');
    await eventually(() => visited.order(), [3, 2, 1]);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Answered');
  });

  it.each(['light', 'dark'] as const)(
    'is %s where the system is, or as chosen',
    async (colorScheme) => {
      const { page } = await visit(await serve(), { colorScheme });
      const isDark = async () => {
        const ground = await page.evaluate<string>(
          'getComputedStyle(document.documentElement).backgroundColor',
        );
        return Number(/\d+/.exec(ground)?.[0]) < 128;
      };
      expect(await isDark()).toBe(colorScheme === 'dark');
      const button = page.getByRole('button', { name: /^Theme/ });
      for (const [name, dark] of [
        ['light', false],
        ['dark', true],
      ] as const) {
        await button.click();
        expect(await button.innerText()).toBe(`Theme: ${name}`);
        expect(await isDark()).toBe(dark);
      }
      await page.reload();
      expect(await isDark()).toBe(true);
      await button.click();
      expect(await isDark()).toBe(colorScheme === 'dark');
    },
  );

  it.each([400, 600, 760, 960, 1280])('needs no sideways scrolling at %d px', async (width) => {
    const visited = await visit(await serve(), { viewport: { width, height: 800 } });
    const { page } = visited;
    root.drop(1, 'x'.repeat(64), 'A:0:1:1:2\n');
    root.drop(3, 'y'.repeat(64), `A:1:3:${'9'.repeat(300)}:2\n`);
    await eventually(() => visited.cell(1, 'Answered'), '1');
    await eventually(() => visited.cell(3, 'Errors'), '1');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    const table = await page.locator('#vm-table').boundingBox();
    expect((table?.x ?? NaN) + (table?.width ?? NaN)).toBeLessThanOrEqual(width);
  });

  it('asks for the token where there is one, and then stays signed in, also after a restart', async () => {
    root.launch = { env: { VGPU_HTTP_TOKEN: TOKEN } };
    const url = await serve();
    const visited = await visit(url);
    const { page } = visited;
    const [field, problem] = [page.getByLabel('Token'), page.getByRole('alert')];
    expect(await page.content()).not.toContain(root.path);
    await field.fill('a-token-that-is-wrong');
    await page.keyboard.press('Enter');
    await problem.getByText('That is not the token.').waitFor();
    await field.fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate('document.cookie')).toBe('');
    await mediator.stop();
    await page.getByText(/^Connection lost/).waitFor();
    await serve(new URL(url).host);
    await page.getByText('Live', { exact: true }).waitFor();
    // Another token ends every session.
    root.launch = { env: { VGPU_HTTP_TOKEN: `${TOKEN}-new` } };
    await mediator.stop();
    await serve(new URL(url).host);
    await field.waitFor();
    // A browser reports each 401 in its console.
    const refusals = visited.complaints.splice(0);
    expect(refusals.filter((text) => !text.includes('401'))).toEqual([]);
  });

  it.each(['/x/vgpu', '/x/vgpu/'])(
    "works at a reverse proxy's %s, beside a password of its own",
    async (path) => {
      root.launch = { env: { VGPU_HTTP_TOKEN: TOKEN } };
      const proxy = await ReverseProxy.before(await serve(), '/x/vgpu', 'Basic dTpw');
      try {
        const httpCredentials = { username: 'u', password: 'p' };
        const visited = await visit(`${proxy.origin}${path}`, { httpCredentials });
        const { page } = visited;
        await page.getByLabel('Token').fill(TOKEN);
        await page.keyboard.press('Enter');
        await page.getByText('Live', { exact: true }).waitFor();
        root.drop(1, 'x', 'A:0:1:1:2\n');
        await eventually(() => visited.cell(1, 'Answered'), '1');
        expect(new URL(page.url()).pathname).toBe('/x/vgpu/');
        await page.getByRole('link', { name: 'Metrics' }).click();
        await page.getByText('vgpu_build_info').first().waitFor();
        // Without the slash a browser fetches some in advance, before the page can go where it belongs.
        if (path.endsWith('/')) expect(proxy.elsewhere).toEqual([]);
        // The cookie is for this path alone.
        const [cookie] = await page.context().cookies();
        expect(cookie?.path).toBe('/x/vgpu');
        // Both ask who it is: the password by the proxy, the token by the mediator.
        const refusals = visited.complaints.splice(0);
        expect(refusals.filter((text) => !/ 40[14] /.test(text))).toEqual([]);
      } finally {
        proxy.close();
      }
    },
  );
});

/** Waits until what is read is what is expected; jest's own limit ends it. */
async function eventually(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  for (;;) {
    const value = await read();
    if (JSON.stringify(value) === JSON.stringify(expected)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
