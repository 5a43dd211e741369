import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { patient } from '../support/patience.js';
import { ChatPage, launchBrowser, PHONE, Sample } from './chat-page.js';

const PICTURE = fileURLToPath(new URL('../../docs/images/chat.png', import.meta.url));

jest.setTimeout(patient(60_000));

describe('the page of the sample 01-chat, in a browser', () => {
  let browser: Browser;
  let sample: Sample;

  const open = (options?: BrowserContextOptions): Promise<ChatPage> => ChatPage.open(browser, sample.url, options);

  beforeAll(async () => {
    browser = await launchBrowser();
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

  it('shows a talk of three as the picture in docs/images does; WRITE_PAGES=1 takes it anew', async () => {
    const ada = await open({ viewport: { width: 900, height: 600 }, colorScheme: 'light' });
    const [grace, alan] = [await open(), await open()];
    await ada.enter('Ada', 'tea-kitchen');
    await ada.isInState('Online');
    await grace.enter('Grace', 'tea-kitchen');
    await ada.sees('Grace came in.');
    await ada.say('Is the kettle on?');
    await grace.sees('Is the kettle on?');
    await grace.say('Just now. Tea in three minutes.');
    await ada.sees('Tea in three minutes.');
    await alan.enter('Alan', 'tea-kitchen');
    await ada.sees('Alan came in.');
    await alan.say('Who keeps the time? I have a stopwatch with me.');
    await ada.sees('I have a stopwatch with me.');
    await ada.say('You, then.');
    await alan.sees('You, then.');
    await ada.page.locator('.own:not(.sending) .bubble', { hasText: 'You, then.' }).waitFor();

    expect(await ada.people).toEqual(['Ada', 'Alan', 'Grace']);
    if (process.env['WRITE_PAGES'] === '1') await ada.page.screenshot({ path: PICTURE, animations: 'disabled' });
    expect(statSync(PICTURE).size).toBeLessThan(100_000);
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
