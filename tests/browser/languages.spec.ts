// The page in its languages: every text is there, lessons work in them, a link brings its own, and what is long still fits.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { trainer as german } from '../../www/src/languages/de/trainer';
import { trainer as spanish } from '../../www/src/languages/es/trainer';
import { button, expect, test } from './nudge';

const MINUTE = 60_000;
const RUNS = '&device=cpu&model=test&test=1&seed=1';
const ROOT = new URL('../../', import.meta.url);
const LESSONS = ['base', 'demonstrations', 'rankings', 'reward', 'leash'];

/** What the tests look for, as the page has it. */
const LANGUAGES = {
  de: {
    name: 'Deutsch', tagline: 'Bring einem kleinen Sprachmodell bei, was dir gefällt.', lessons: 'Lektionen', answer: 'Das ist meine Antwort',
    waiting: 'Wartet, bis du es getan hast.', done: 'Geschafft.', on: 'Weiter', taste: 'Ich mag es kurz: so wenige Wörter wie möglich.',
    rule: 'Weniger Wörter sind besser', percent: /^\d+\s% → \d+\s%$/, trainer: german,
  },
  es: {
    name: 'Español', tagline: 'Enseña a un pequeño modelo de lenguaje lo que te gusta.', lessons: 'Lecciones', answer: 'Esa es mi respuesta',
    waiting: 'Espera a que lo hayas hecho.', done: 'Hecho.', on: 'Seguir', taste: 'Me gusta lo breve: con las menos palabras posibles.',
    rule: 'Menos palabras es mejor', percent: /^\d+\s% → \d+\s%$/, trainer: spanish,
  },
};
type Code = keyof typeof LANGUAGES;
const codes = Object.keys(LANGUAGES) as Code[];

/** Names, terms and formulas that are the same in every language, and texts of the model itself. */
const THE_SAME =
  /^(Nudge|Instruct|Base|Reward|Prompts?|Workflow|Name|Auto|Normal(: \d+)?|WebGPU|CPU|KL|Loss|Seed|PPO|GRPO|RLOO|RAFT|REINFORCE|DPO|KTO|ORPO|SimPO|Top-p|no|Deutsch|English|Español)$|^[\d\W_]*$|^[\w-]*_[\w-]*$|github\.com/;

async function opened(page: Page, code: string): Promise<void> {
  await page.goto(`/?language=${code}${RUNS}`);
  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'cpu', { timeout: MINUTE });
}

/** The texts on the page, folded ones too, but for what a model or a person wrote and names of options. */
async function texts(page: Page): Promise<string[]> {
  await expect(page.getByTestId('next-tokens').getByRole('listbox')).toBeVisible({ timeout: MINUTE });
  // Step 2 opens the steps behind it.
  await page.locator('#show .actions button').first().click();
  await expect(page.locator('#show .ask button')).toBeEnabled({ timeout: MINUTE });
  for (let depth = 0; depth < 2; depth++) {
    await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  await expect(page.getByTestId('leash-lab')).toBeVisible();
  return page.evaluate(() => {
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const within = node.parentElement!;
      if (!within.closest('.prose, [lang]:not(html), textarea, code, script, noscript, math, .option label, .option option, [data-testid=choices], [data-testid=preset], table')) {
        found.push(node.textContent!.trim());
      }
    }
    for (const element of document.querySelectorAll('[aria-label], [title]')) {
      if (!element.closest('.prose, li, .option')) found.push(element.getAttribute('aria-label') ?? element.getAttribute('title')!);
    }
    return [...new Set(found)];
  });
}

async function fits(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 700 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await page.setViewportSize({ width: 1280, height: 800 });
}

for (const code of codes) {
  const { name, tagline, lessons, taste, rule, percent } = LANGUAGES[code];

  test(`no English is left on the page in ${name}`, async ({ browser, page }) => {
    test.setTimeout(3 * MINUTE);
    // Elsewhere: a workflow keeps the name that it got in another language.
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const theirs = await context.newPage();
    await opened(theirs, 'en');
    const english = new Set(await texts(theirs));
    await context.close();
    expect(english.size).toBeGreaterThan(200);
    await opened(page, code);
    await expect(page.locator('html')).toHaveAttribute('lang', code);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(tagline);
    await expect(page).toHaveTitle(`Nudge: ${tagline}`);
    await expect(button(page, taste)).toBeVisible();
    await expect(page.getByTestId('choices').locator('.share').first()).toHaveText(percent);
    const now = await texts(page);
    expect(now.filter((text) => english.has(text) && !THE_SAME.test(text))).toEqual([]);
    await page.locator('#rank').getByTestId('labeler').selectOption('shorter');
    await expect(page.locator('#rank')).toContainText(rule);
  });

  test(`the page in ${name} fits a narrow window, and axe finds nothing`, async ({ page }) => {
    test.setTimeout(3 * MINUTE);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await opened(page, code);
      await fits(page);
    }
    for (const address of ['lessons', 'handout=leash', 'teacher']) {
      await page.goto(`/?${address}&language=${code}${RUNS}`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await fits(page);
    }
  });

  test(`every lesson begins in ${name}`, async ({ page }) => {
    test.setTimeout(4 * MINUTE);
    const { answer, waiting } = LANGUAGES[code];
    await page.goto(`/?lessons&language=${code}${RUNS}`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(lessons);
    for (const lesson of LESSONS) {
      await page.goto(`/?handout=${lesson}&language=en`);
      await expect(page.locator('.address')).toContainText('language=en');
      const english = await page.locator('main :is(h1, h2, h3, p, li)').allInnerTexts();
      await page.goto(`/?handout=${lesson}&language=${code}`);
      await expect(page.locator('.address')).toContainText(`language=${code}`);
      const now = await page.locator('main :is(h1, h2, h3, p, li)').allInnerTexts();
      expect(now).toHaveLength(english.length);
      expect(now.filter((text) => english.includes(text))).toEqual([]);

      await page.goto(`/?lesson=${lesson}&language=${code}${RUNS}`);
      const player = page.getByTestId('lesson');
      await player.getByRole('radio').first().check();
      await button(player, answer).click({ timeout: MINUTE });
      await expect(player).toHaveAttribute('data-place', 'step');
      await expect(page.getByTestId('lesson-status')).toContainText(waiting, { timeout: MINUTE });
    }
  });

  test(`the trainer’s texts are all there in ${name}`, async () => {
    const glue = new URL('www/src/wasm/nudge_web.js', ROOT);
    test.skip(!existsSync(glue), 'a stand-in declares other things');
    const { initSync, Nudge } = await import(glue.href);
    const relaxedSimd = JSON.parse(readFileSync(new URL('www/src/lib/relaxed-simd.json', ROOT), 'utf8'));
    const module = WebAssembly.validate(new Uint8Array(relaxedSimd)) ? 'nudge_web_bg' : 'nudge_web_unfused';
    initSync({ module: readFileSync(new URL(`www/src/wasm/${module}.wasm`, ROOT)) });
    const { trainer } = LANGUAGES[code];
    const missing: string[] = [];
    for (const { name } of Nudge.labelers(true)) if (!trainer.labelers[name]) missing.push(name);
    for (const { name, options, presets } of Nudge.methods()) {
      for (const { name: option, kind } of options) {
        if (!trainer.options[`${name}.${option}`] && !trainer.options[option]) missing.push(`${name}.${option}`);
        if (kind === 'rule' && !trainer.forms[option]) missing.push(`form of ${option}`);
      }
      for (const { name: preset } of presets) if (!trainer.presets[preset]) missing.push(preset);
    }
    const rules = new URL('crates/nudge-session/src/verdict/rules/', ROOT);
    const source = readdirSync(rules).map((file) => readFileSync(new URL(file, rules), 'utf8')).join('');
    const found = [...source.matchAll(/\bfinding\(\s*"(\w+)"/g)].map(([, finding]) => finding!);
    expect(found.length).toBeGreaterThan(20);
    missing.push(...found.filter((finding) => !trainer.findings[finding]));
    expect(missing).toEqual([]);
    const shown = (name: string) => `<${name}>`;
    for (const there of [true, false]) {
      const numbers = { percent: shown, decimal: shown, count: shown, has: () => there };
      for (const finding of found) {
        const mentioned = trainer.findings[finding]!(numbers, 'warning').match(/(?<=<)\w+/g) ?? [];
        // A number of another name would be shown as a dash.
        for (const number of mentioned) expect(source, finding).toContain(`"${number}"`);
      }
    }
  });
}

test('what the page knows of metrics is said in every language', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await opened(page, 'de');
  await page.locator('#reward').getByRole('button', { name: 'Was „Loss“ bedeutet' }).first().click();
  await expect(page.getByText('Was der Optimizer senkt.')).toBeVisible();
  for (const { trainer } of Object.values(LANGUAGES)) expect(Object.keys(trainer.metrics)).toHaveLength(10);
});

test('a finding of the trainer is said in the language of the page, with its numbers', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await page.goto(`/?show=rank.reward&language=es${RUNS}`);
  await page.locator('#rank details').first().evaluate((details) => details.setAttribute('open', ''));
  await button(page, 'Cargar este paquete').click({ timeout: MINUTE });
  await button(page, 'Entrenar el modelo de recompensa').click({ timeout: MINUTE });
  const said = page.getByTestId('reward-verdict');
  await expect(said).toContainText(/\d+\s% \[\d+\s%, \d+\s%\] de \d+ pares/, { timeout: 2 * MINUTE });
  await expect(said).not.toContainText(/prompts it has not seen|–/);
});

test('the browser’s language is spoken, another can be chosen, and an unknown one is English', async ({ browser, page }) => {
  test.setTimeout(2 * MINUTE);
  await page.goto(`/?language=tlh${RUNS}`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Teach a small language model what you like.');

  await page.goto(`/?${RUNS}`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Teach a small language model what you like.');
  await page.getByLabel('Language', { exact: true }).selectOption({ label: 'Deutsch' });
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(LANGUAGES.de.tagline);
  await page.goto(`/?${RUNS}`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');

  const context = await browser.newContext({ locale: 'es-MX', serviceWorkers: 'block' });
  const theirs = await context.newPage();
  await theirs.goto(new URL(`/?${RUNS}`, page.url()).href);
  await expect(theirs.getByRole('heading', { level: 1 })).toHaveText(LANGUAGES.es.tagline);
  await context.close();
});

test('a teacher’s link brings its language, and may be read in another', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await page.goto(`/?teacher&language=de${RUNS}`);
  const link = new URL(await page.getByTestId('link').inputValue());
  expect(link.searchParams.get('language')).toBe('de');
  for (const [code, title] of [['de', 'Lektion 1'], ['es', 'Lección 1']] as const) {
    link.searchParams.set('language', code);
    await page.goto(`${link.href}${RUNS}`);
    await expect(page.getByTestId('lesson')).toContainText(title);
    await expect(page.getByTestId('link-problems')).toHaveCount(0);
  }
});

/** Plays a lesson: its steps are done one after the other, its question is answered before and after. */
async function play(page: Page, code: Code, lesson: string, right: string, steps: (() => Promise<void>)[]): Promise<void> {
  const { answer, waiting, done, on } = LANGUAGES[code];
  await page.goto(`/?lesson=${lesson}&language=${code}${RUNS}`);
  const player = page.getByTestId('lesson');
  const status = page.getByTestId('lesson-status');
  const say = async () => {
    await player.getByRole('radio', { name: right }).check();
    await button(player, answer).click({ timeout: MINUTE });
  };
  await say();
  for (const act of steps) {
    await expect(status).toContainText(waiting, { timeout: MINUTE });
    await act();
    await expect(status).toContainText(done, { timeout: MINUTE });
    await button(player, on).click();
  }
  await say();
  await expect(player).toHaveAttribute('data-place', 'end');
  await expect(page.getByTestId('learnt').locator('li')).toHaveCount(3);
}

test('a lesson in German, from its question to its end', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  const write = async () => {
    const press = button(page, 'Meinen Text fortsetzen');
    await expect(press).toBeEnabled({ timeout: MINUTE });
    await press.click();
    await expect(press).toBeEnabled({ timeout: MINUTE });
  };
  const temperature = (value: string) => page.getByTestId('temperature').fill(value);
  await play(page, 'de', 'base', 'Es schreibt weiter, als stünde deine Frage mitten in einem Text.', [
    write,
    async () => {
      await page.getByLabel('Ein Anfang').fill('What is your name?');
      await write();
    },
    async () => {
      await page.getByTestId('next-tokens').getByRole('option').first().focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
    },
    async () => {
      await temperature('0.2');
      await write();
      await write();
    },
    async () => {
      await temperature('1.6');
      await write();
    },
  ]);
  await expect(page.getByTestId('lesson-verdict')).toHaveText('Du hast vorher und nachher dasselbe gesagt, und es passt.');
});

test('a lesson in Spanish, from its question to its end', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  const ask = async () => {
    await expect(button(page, 'Preguntar a los dos')).toBeEnabled({ timeout: MINUTE });
    await page.getByLabel('Pregunta lo mismo a los dos, en inglés').fill('What is seven times eight?');
    await button(page, 'Preguntar a los dos').click();
  };
  await play(page, 'es', 'demonstrations', 'A responder a la manera de los ejemplos.', [
    () => button(page, 'Continuar mi texto').click({ timeout: MINUTE }),
    () => button(page, 'Tomar el modelo Instruct incluido').click({ timeout: MINUTE }),
    ask,
    ask,
    () => button(page, 'Entrenarlo otra vez aquí').click({ timeout: MINUTE }),
  ]);
  await expect(page.getByTestId('lesson-verdict')).toHaveText('Dijiste lo mismo antes y después, y encaja.');
});
