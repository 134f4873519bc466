// Lesson 3: why rankings.

import type { Lesson } from './lesson';

export const rankings = {
  title: 'Why rankings',
  about: 'Many makers of models ask people to rank answers. Do it yourself, let a model learn from it, and test whether it worked.',
  minutes: 30,
  parts: ['quick', 'rank', 'compare'],
  ready: ['instruct'],
  question: {
    text: 'To teach a model what people like, many makers let people rank answers instead of writing the perfect one. Why?',
    answers: {
      easier: 'Because it is easier to say which answer is better than to write the best one.',
      facts: 'Because a ranking tells the model what is true.',
      reading: 'Because a model cannot learn from texts that people have written.',
      agreement: 'Because everybody ranks the same way, so it does not matter who does it.',
    },
    right: 'easier',
  },
  steps: [
    {
      title: 'Choose a taste',
      text: 'There is no right order of answers, only somebody’s taste. For this lesson you borrow one.',
      task: 'Pick a taste, and stay with it in what follows.',
      target: '#quick',
      waits: { for: 'taste' },
      notice: 'Could you have written the perfect answer of that taste yourself, in half a minute? You are about to teach it without writing a word.',
    },
    {
      title: 'Rank five',
      text: 'The model answers each request four times. Put the answers in order by your taste, the best on top: drag them, or use the arrows.',
      task: 'Rank five screens. Where two are equally good, tie them with “=”.',
      target: '#rank .card',
      waits: { for: 'ranked', least: 5 },
      notice: 'Was it always clear? Where you hesitated, somebody else would have chosen otherwise. Rankings are somebody’s judgement, and so is what is learnt from them.',
    },
    {
      title: 'Let it learn',
      text: 'Thirty rankings are more than anybody wants to do in a lesson. A fixed rule with the same taste ranks the rest. It is marked SIMULATED, because it is not a person.',
      task: 'Press “Let the rule rank the other …, and learn”, and wait until it has learnt.',
      target: '#quick',
      waits: { for: 'taught' },
      notice: 'Read the requests with the answers before and after. Nobody wrote these new answers for the model to copy.',
    },
    {
      title: 'Judge it blind',
      text: 'Whoever knows which answer is new likes it better. So you get both without names, in random order.',
      task: 'Press “Start the blind test”, judge a few pairs, and press “Reveal now”, or judge all.',
      target: '#compare',
      waits: { for: 'judged' },
      notice: 'Look at the interval below your number. With few judgements it is wide: chance alone could have given you much of this.',
    },
  ],
  learnt: [
    'Saying which answer is better is easier than writing the best one, and says things that are hard to put into words.',
    'Even a few dozen rankings move a model noticeably, if they all want the same.',
    'What a model learns is the taste of those who ranked. Whether it worked has to be tested blind, and with enough pairs.',
  ],
} satisfies Lesson;
