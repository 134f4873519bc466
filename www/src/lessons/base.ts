// Lesson 1: what a base model is.

import type { Lesson } from './lesson';

export const base = {
  title: 'What a base model is',
  about: 'A model that has read a lot and answers nothing: it guesses what comes next, over and over.',
  minutes: 20,
  parts: ['base'],
  ready: [],
  question: {
    text: 'You type “What is your name?” into a base model, one that has only read texts. What will it most likely do?',
    answers: {
      answers: 'It answers with the name that its makers gave it.',
      continues: 'It goes on writing, as if your question stood in the middle of a text.',
      refuses: 'It says that it does not know.',
      searches: 'It looks the answer up in the texts that it has read.',
    },
    right: 'continues',
  },
  steps: [
    {
      title: 'Let it write',
      text: 'This model has read children’s stories, and nothing else. Nobody told it what a story is, or that you exist.',
      task: 'Press “Continue my text”.',
      target: '#base .story',
      waits: { for: 'wrote' },
      notice: 'It did not plan that story. It guessed one little piece of text, called a token, put it down, and guessed the next.',
    },
    {
      title: 'Ask it something',
      text: 'A chatbot would answer a question. Find out whether this model does.',
      task: 'Write a question, with its question mark, into “A beginning” and let the model continue it.',
      target: '#base .body .field',
      waits: { for: 'wroteOnQuestion' },
      notice: 'It goes on from your question. Sometimes that looks like an answer, because in stories somebody often replies. It is still only the next guess.',
    },
    {
      title: 'Look at its guesses',
      text: 'Behind every token stands a list: everything that could have come there, each with a probability.',
      task: 'Point at three tokens of the text, or walk along them with the arrow keys.',
      target: '[data-testid="next-tokens"]',
      waits: { for: 'pointed', least: 3 },
      notice: 'In some places the model is nearly sure, in others many tokens are about as likely. What it knows of language is in these numbers, and nowhere else.',
    },
    {
      title: 'Turn the temperature down',
      text: 'The model gives probabilities; a draw decides. The temperature says how daring the draw is.',
      task: 'Set the temperature to 0.3 or less and let it write twice.',
      target: '[data-testid="next-tokens"] .sliders',
      waits: { for: 'wroteCold', least: 2 },
      notice: 'Now it nearly always takes the likeliest token. The two texts resemble each other, and they may go round in circles.',
    },
    {
      title: 'Turn it up',
      text: 'Now the other way round: unlikely tokens get their chance.',
      task: 'Set the temperature to 1.5 or more and let it write.',
      target: '[data-testid="next-tokens"] .sliders',
      waits: { for: 'wroteHot' },
      notice: 'Same model, same knowledge, and it talks wildly. How it writes is a choice that somebody makes.',
    },
  ],
  learnt: [
    'A base model does one thing: it gives each possible next token a probability.',
    'A text comes about by drawing one token after another. The temperature decides how daring the draw is.',
    'It does not answer, obey or know you. Whatever looks like that is a text going on as texts do.',
  ],
} satisfies Lesson;
