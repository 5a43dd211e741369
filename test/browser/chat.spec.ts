import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';

const MAIN = fileURLToPath(new URL('../../.build/sample/01-chat/main.js', import.meta.url));
const PATIENCE_MS = 15_000;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** The built sample in a process of its own, as `npm start` runs it. */
class Sample {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** @param port 0 takes a free one. */
  static async start(port = 0): Promise<Sample> {
    if (!existsSync(MAIN)) throw new Error('The sample is not built: npm run build && npx nest build sample');
    const child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, PORT: String(port), NODE_OPTIONS: '', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    for await (const line of createInterface(child.stdout)) {
      said.push(`${line}\n`);
      const url = /the page +(http:\S+)/.exec(line)?.[1];
      if (url === undefined) continue;
      child.stdout.resume();
      return new Sample(child, url);
    }
    throw new Error(`The sample ended before it told its URL:\n${said.join('')}`);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Stops it as a deploy does, and resolves with how the process ended. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    return child.exitCode ?? child.signalCode;
  }
}

/** The chat page in the words of somebody who uses it. */
class ChatPage {
  private constructor(readonly page: Page) {}

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<ChatPage> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    await page.goto(url);
    return new ChatPage(page);
  }

  async enter(name: string, room = 'lobby'): Promise<this> {
    await this.page.getByLabel('Your name').fill(name);
    await this.page.getByLabel('Room', { exact: true }).fill(room);
    await this.page.getByRole('button', { name: 'Come in' }).click();
    return this;
  }

  async say(text: string): Promise<void> {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByRole('button', { name: 'Send' }).click();
  }

  get messages(): Locator {
    return this.page.getByRole('log', { name: 'Messages' }).getByRole('listitem');
  }

  /** Waits until a message or notice with this text is there. */
  sees(text: string): Promise<void> {
    return this.messages.filter({ hasText: text }).first().waitFor();
  }

  /** Waits until the state pill says this. */
  isInState(state: string): Promise<void> {
    return this.page.locator('#pill').filter({ hasText: state }).waitFor();
  }

  get people(): Promise<string[]> {
    return this.page.locator('#people .person').allTextContents();
  }

  /** Starts to note why the page says that it is not connected; resolves with a look at the notes. */
  async noteLosses(): Promise<() => Promise<string>> {
    await this.page.evaluate(`{
      const text = document.getElementById('lost-text');
      window.losses = '';
      new MutationObserver(() => (window.losses += text.textContent)).observe(text, { childList: true });
    }`);
    return () => this.page.evaluate('window.losses');
  }

  hasSideScroll(): Promise<boolean> {
    return this.page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
  }
}

jest.setTimeout(60_000);

describe('the page of the sample 01-chat, in a browser', () => {
  let browser: Browser;
  let sample: Sample;

  const open = (options?: BrowserContextOptions): Promise<ChatPage> => ChatPage.open(browser, sample.url, options);

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });

  afterAll(() => browser?.close());

  beforeEach(async () => {
    sample = await Sample.start();
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await sample.stop();
  });

  it('lets two people talk, each with the own words on the own side', async () => {
    const [ada, grace] = [await open(), await open()];
    await ada.enter('Ada');
    await ada.isInState('Online');
    await grace.enter('Grace');
    await ada.sees('Grace came in.');

    await ada.say('Is the <b>kettle</b> on?');
    await grace.sees('Is the <b>kettle</b> on?');
    await grace.say('It is.');
    await ada.sees('It is.');

    expect(await ada.people).toEqual(['Ada', 'Grace']);
    await ada.page.locator('.own:not(.sending) .bubble', { hasText: 'kettle' }).waitFor();
    expect(await grace.page.locator('.message:not(.own) .bubble').allTextContents()).toEqual([
      'Is the <b>kettle</b> on?',
    ]);
    expect(await grace.page.locator('.own .bubble').allTextContents()).toEqual(['It is.']);

    await grace.page.getByRole('button', { name: 'Leave' }).click();
    await ada.sees('Grace left.');
    expect(await ada.people).toEqual(['Ada']);
  });

  it('keeps rooms apart and changes between them', async () => {
    const [ada, grace] = [await open(), await open()];
    await ada.enter('Ada', 'lobby');
    await grace.enter('Grace', 'kitchen');
    await grace.isInState('Online');
    await ada.isInState('Online');
    await ada.say('anybody here?');
    await ada.page.locator('.own:not(.sending)').waitFor();

    await ada.page.getByRole('button', { name: 'kitchen', exact: true }).click();
    await grace.sees('Ada came in.');
    await ada.say('there you are');
    await grace.sees('there you are');

    expect(await grace.messages.allTextContents()).not.toContainEqual(expect.stringContaining('anybody here?'));
    expect(new URL(ada.page.url()).hash).toBe('#kitchen');
  });

  it('shows a hello from the HTTP route to everybody, in every room and on the echo', async () => {
    const [ada, grace] = [await open(), await open()];
    await ada.enter('Ada', 'lobby');
    await grace.enter('Grace', 'kitchen');
    await grace.isInState('Online');
    await grace.page.getByText('Raw echo').click();
    await grace.page.getByLabel('Text for the echo').fill('ahoy');
    await grace.page.getByRole('button', { name: 'Echo', exact: true }).click();
    const echo = grace.page.getByRole('log', { name: 'What the echo said' }).getByRole('listitem');
    await echo.nth(1).waitFor();

    await ada.page.getByRole('button', { name: 'Say hi' }).click();

    await ada.sees('Hello!');
    await grace.sees('Hello!');
    await echo.nth(2).waitFor();
    expect(await echo.allTextContents()).toEqual(['ahoy', 'ahoy', 'Hello!']);
    await ada.page.getByText('Hello went to 3 connections.').waitFor();
  });

  it('refuses without a name, says why, and lets in with one', async () => {
    const visitor = await open();
    await visitor.enter('');
    const alert = visitor.page.getByRole('alert');
    await alert.filter({ hasText: 'A name is needed' }).waitFor();
    expect(await visitor.page.locator('#chat').isVisible()).toBe(false);

    await visitor.enter('x'.repeat(33));
    await alert.filter({ hasText: 'This name cannot be used' }).waitFor();

    await visitor.enter('Ada');
    await visitor.isInState('Online');
  });

  it('shows why a message was refused and offers it for editing', async () => {
    const ada = await open();
    await ada.enter('Ada');
    await ada.isInState('Online');

    await ada.say('x'.repeat(2001));
    await ada.sees('Not sent: a message has at most 2000 characters.');
    await ada.page.getByRole('button', { name: 'Edit' }).click();

    expect(await ada.page.getByLabel('Message', { exact: true }).inputValue()).toHaveLength(2001);
    await ada.say('shorter');
    await ada.page.locator('.own:not(.sending):not(.failed)', { hasText: 'shorter' }).waitFor();
  });

  it('fits a phone: nothing scrolls sideways, the side opens over the conversation', async () => {
    for (const width of [360, 390]) {
      const ada = await open({ ...PHONE, viewport: { width, height: 740 } });
      expect(await ada.hasSideScroll()).toBe(false);
      await ada.enter('Ada');
      await ada.isInState('Online');
      await ada.say(`a long word: ${'very'.repeat(60)}`);
      await ada.page.locator('.own:not(.sending)').waitFor();
      expect(await ada.hasSideScroll()).toBe(false);

      await ada.page.getByRole('button', { name: 'Rooms and people' }).click();
      await ada.page.getByRole('button', { name: 'kitchen', exact: true }).click();
      await ada.page.getByRole('heading', { name: 'kitchen' }).waitFor();
      await ada.page.locator('#side').waitFor({ state: 'hidden' });
      expect(await ada.hasSideScroll()).toBe(false);
      await ada.page.getByRole('button', { name: 'Rooms and people' }).click();
      await ada.page.getByRole('button', { name: 'Leave' }).click();
    }
  });

  it('comes back by itself after the server was restarted', async () => {
    const [ada, grace] = [await open(), await open(PHONE)];
    await ada.enter('Ada');
    await grace.enter('Grace');
    await ada.isInState('Online');
    await grace.isInState('Online');

    const losses = await ada.noteLosses();
    expect(await sample.stop()).toBe('SIGTERM');
    await ada.isInState('Reconnecting');
    await grace.isInState('Reconnecting');
    await ada.page.getByRole('button', { name: 'Try now' }).waitFor();
    expect(await losses()).toContain('The connection ended: server shutting down.');
    expect(await grace.hasSideScroll()).toBe(false);
    await ada.page.getByLabel('Message', { exact: true }).fill('kept while away');

    sample = await Sample.start(sample.port);
    await ada.isInState('Online');
    await grace.isInState('Online');
    await ada.sees('You are back.');
    await ada.page.getByRole('button', { name: 'Send' }).click();
    await grace.sees('kept while away');
  });
});
