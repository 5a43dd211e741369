import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { patient } from '../support/patience.js';

const MAIN = fileURLToPath(new URL('../../.build/sample/01-chat/main.js', import.meta.url));
const PATIENCE_MS = patient(15_000);
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** Debian's Chromium, or the one that `CHROMIUM` names. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
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
}

/** The built sample in a process of its own, as `npm start` runs it. */
export class Sample {
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
export class ChatPage {
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
