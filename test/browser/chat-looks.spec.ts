import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContextOptions, Locator } from 'playwright-core';
import { patient } from '../support/patience.js';
import { ChatPage, launchBrowser, PHONE, Sample } from './chat-page.js';

/** What a finger hits without aiming. */
const FINGER_PX = 44;

jest.setTimeout(patient(60_000));

describe('how the page of the sample 01-chat looks', () => {
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

  it.each([
    ['a desk', {}],
    ['a phone', PHONE],
  ])(
    'shows a whole line of the message field as soon as a visitor is in, also after a reload: %s',
    async (_, options) => {
      const ada = await open(options);
      const field = ada.page.getByLabel('Message', { exact: true });

      await (await ada.enter('Ada')).isInState('Online');
      expect(await heightOf(field)).toBeGreaterThanOrEqual(FINGER_PX);
      await ada.page.reload();
      await ada.isInState('Online');
      expect(await heightOf(field)).toBeGreaterThanOrEqual(FINGER_PX);

      const oneLine = await heightOf(field);
      await field.fill('one\ntwo\nthree');
      expect(await heightOf(field)).toBeGreaterThan(oneLine + 30);
      expect(await ada.page.evaluate('text.scrollHeight > text.clientHeight')).toBe(false);
      await field.fill('');
      expect(await heightOf(field)).toBe(oneLine);
    },
  );

  it.each(['light', 'dark'] as const)(
    'sets bubbles and the chosen room off from what is around them: %s',
    async (colorScheme) => {
      const [ada, grace] = [await open({ colorScheme }), await open()];
      await (await ada.enter('Ada')).isInState('Online');
      await (await grace.enter('Grace')).isInState('Online');
      await grace.say('Look.');
      await ada.say('I see.');
      await ada.sees('Look.');
      await ada.page.locator('.own:not(.sending)').waitFor();
      const [chosen, bubble] = ['#rooms [aria-current]', '.message:not(.own) .bubble'];

      for (const text of [chosen, bubble, '.own .bubble', '#people-title']) {
        expect(await contrast(ada, text, 'color', 'itself')).toBeGreaterThanOrEqual(4.5);
      }
      expect(await contrast(ada, bubble, 'borderTopColor', 'what it lies on')).toBeGreaterThanOrEqual(1.35);
      // The chosen room is told by a bar of the accent's colour; that has to be seen by those who see little.
      expect(await contrast(ada, chosen, 'borderLeftColor', 'what it lies on')).toBeGreaterThanOrEqual(3);
    },
  );

  it('says once that the server is away, and does not claim to know who is there', async () => {
    const [ada, grace] = [await open(), await open()];
    await (await ada.enter('Ada')).isInState('Online');
    await grace.enter('Grace');
    await ada.sees('Grace came in.');
    expect(await ada.page.locator('#people-title').innerText()).toBe('Here now · 2');

    await sample.stop();
    await ada.isInState('Reconnecting');
    await ada.page.getByRole('button', { name: 'Try now' }).waitFor();
    const title = ada.page.locator('#people-title').filter({ hasText: 'Last seen here' });
    await title.waitFor();
    expect(await ada.page.getByText(/ \d+ s\b/).count()).toBeLessThanOrEqual(1);
    expect(await ada.page.locator('#pill').innerText()).toBe('Reconnecting');

    sample = await Sample.start(sample.port);
    await ada.sees('You are back.');
    expect(await ada.page.locator('#people-title').innerText()).toMatch(/^Here now · [12]$/);
  });

  it('gives a finger on a phone enough room on each button and field', async () => {
    const ada = await open(PHONE);
    expect(await smallTargets(ada)).toEqual([]);
    await (await ada.enter('Ada')).isInState('Online');
    await ada.say('x'.repeat(2001));
    await ada.page.getByRole('button', { name: 'Edit' }).waitFor();
    expect(await smallTargets(ada)).toEqual([]);
    await ada.page.getByRole('button', { name: 'Rooms and people' }).click();
    await ada.page.getByText('Raw echo').click();
    await ada.page.getByLabel('Text for the echo').waitFor();
    expect(await smallTargets(ada)).toEqual([]);
    await ada.page.getByRole('button', { name: 'Back to the conversation' }).click();
    await sample.stop();
    await ada.page.getByRole('button', { name: 'Try now' }).waitFor();
    expect(await smallTargets(ada)).toEqual([]);
  });

  it('keeps the shadows of the first screen inside of its picture', async () => {
    const visitor = await open({ ...PHONE, colorScheme: 'light' });
    const picture = await visitor.page.locator('.door-picture').boundingBox();
    const below = Math.ceil((picture?.y ?? 0) + (picture?.height ?? 0)) + 1;
    // Below the last bubble, which is on the left, and at the other side, where no bubble is near.
    const [under, beside] = [
      await visitor.page.screenshot({ clip: { x: 30, y: below, width: 60, height: 12 } }),
      await visitor.page.screenshot({ clip: { x: 320, y: below, width: 60, height: 12 } }),
    ];
    expect(under.equals(beside)).toBe(true);
  });

  it('makes links of the addresses in a message, of nothing else, and opens them apart', async () => {
    const [ada, grace] = [await open(), await open()];
    await (await ada.enter('Ada')).isInState('Online');
    await (await grace.enter('Grace')).isInState('Online');
    const text =
      'See https://example.org/tea_(drink)?pot=1&cup=2, (or http://example.org/b). Not javascript:alert(1) <a href="x">';
    await grace.say(text);
    await ada.sees('See https');

    const bubble = ada.page.locator('.message:not(.own) .bubble');
    expect(await bubble.textContent()).toBe(text);
    const links = bubble.getByRole('link');
    expect(await Promise.all((await links.all()).map((link) => link.getAttribute('href')))).toEqual([
      'https://example.org/tea_(drink)?pot=1&cup=2',
      'http://example.org/b',
    ]);
    expect(await links.first().getAttribute('rel')).toContain('noopener');
    expect(await links.first().getAttribute('target')).toBe('_blank');
  });
});

async function heightOf(locator: Locator): Promise<number> {
  return (await locator.boundingBox())?.height ?? 0;
}

/** The contrast of a colour of an element with the background of `ground` (WCAG 2 §1.4.3). */
function contrast(
  { page }: ChatPage,
  selector: string,
  colour: 'color' | 'borderTopColor' | 'borderLeftColor',
  ground: 'itself' | 'what it lies on',
): Promise<number> {
  return page.evaluate<number>(`(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const backgroundOf = (start) => {
      for (let at = start; at; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        if (backgroundColor !== 'rgba(0, 0, 0, 0)') return backgroundColor;
      }
    };
    const luminance = (text) => {
      const [red, green, blue] = text.match(/[\\d.]+/g).map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const first = luminance(getComputedStyle(element).${colour});
    const second = luminance(backgroundOf(${ground === 'itself' ? 'element' : 'element.parentElement'}));
    return (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
  })()`);
}

/** What can be touched and is lower or narrower than a finger. */
function smallTargets({ page }: ChatPage): Promise<string[]> {
  // As laid out: what slides by a transform measures 43.99998 on its way.
  return page.evaluate<string[]>(`[...document.querySelectorAll('button, input, textarea, summary')]
    .filter((target) => target.checkVisibility({ visibilityProperty: true }))
    .filter(({ offsetWidth, offsetHeight }) => offsetWidth < ${FINGER_PX} || offsetHeight < ${FINGER_PX})
    .map((target) => (target.id || target.textContent) + ' ' + target.offsetWidth + ' x ' + target.offsetHeight)`);
}
