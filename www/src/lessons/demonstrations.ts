// Lesson 2: demonstrations, that is instruction tuning.

import type { Lesson } from './lesson';

export const demonstrations = {
  title: 'Demonstrations',
  about: 'Some examples of a request and a good reply turn a model that goes on into one that answers.',
  minutes: 20,
  parts: ['base', 'show'],
  ready: [],
  question: {
    text: 'A base model is trained further on examples of a request with a good reply. What does it learn from them above all?',
    answers: {
      facts: 'New facts, which it can look up later.',
      manner: 'To reply in the manner of the examples.',
      you: 'What you in particular would like to read.',
      understanding: 'To understand what is true and what is not.',
    },
    right: 'manner',
  },
  steps: [
    {
      title: 'A request to the base model',
      text: 'This model has only read stories. See first what it makes of being asked for something.',
      task: 'Write “Tell me a story about a cat.” as the beginning, or any other request, and let it continue.',
      target: '#base .body .field',
      waits: { for: 'wrote' },
      notice: 'It carries on with your words. To the model a request is a first line like any other.',
    },
    {
      title: 'The same model, with examples',
      text: 'Somebody wrote thousands of requests with a good reply to each, and the model was trained on them. That is called supervised fine-tuning.',
      task: 'Press “Take the built-in instruct model”.',
      target: '#show .story',
      waits: { for: 'bothAnswered' },
      notice: 'Both models were asked the same at once. Compare them: one goes on, the other begins a story about what was wanted.',
    },
    {
      title: 'Ask both yourself',
      text: 'It is the same model, as large as before. Only its numbers were moved a little.',
      task: 'Write a request of your own for a story and press “Ask both”.',
      target: '#show .ask',
      waits: { for: 'askedBoth' },
      notice: 'The instruct model keeps to the manner of its examples: a short story, told in their tone.',
    },
    {
      title: 'Ask for something else',
      text: 'The examples were all requests for stories. What does it do with something that none of them showed?',
      task: 'Ask both a sum, or about a country, or for advice.',
      target: '#show .ask',
      waits: { for: 'askedBoth' },
      notice: 'It answers in the manner that it was shown, whether that fits or not. It copied how to reply. That does not tell it what is true.',
    },
    {
      title: 'Watch it being trained',
      text: 'The loss says how surprised the model still is by the good replies. Training moves its numbers so that the loss falls.',
      task: 'Press “Train again here”, watch the curve for a few steps, and press “Stop” when you have seen enough.',
      target: '#show .card',
      waits: { for: 'trainedSteps', least: 3 },
      notice: 'That is all there is to it: read an example, be surprised, be surprised a little less next time.',
    },
  ],
  learnt: [
    'Examples of requests with good replies turn a model that continues into one that answers.',
    'It copies the manner of the examples: their tone, their length, what they speak of.',
    'It is never told what is wrong, or which of two good replies you like better. For that something else is needed.',
  ],
} satisfies Lesson;
