// Lesson 4: reward models and their faults.

import type { Lesson } from './lesson';

export const reward = {
  title: 'Reward models and their faults',
  about: 'A second model learns to score answers as you would. It is a stand-in for you, and it can be fooled.',
  minutes: 30,
  parts: ['reward'],
  ready: ['instruct', 'rankings'],
  question: {
    text: 'A reward model gives an answer a very high score. What do you know then?',
    answers: {
      good: 'The answer is good.',
      true: 'What it says is true.',
      resembles: 'It has something that answers ranked high also had.',
      all: 'Nearly everybody would like it.',
    },
    right: 'resembles',
  },
  steps: [
    {
      title: 'Train one',
      text: 'Thirty ready-made rankings are loaded. The reward model learns from them to give the better answer of each pair a higher score.',
      task: 'Press “Train the reward model” and wait until it is done.',
      target: '#reward .story',
      waits: { for: 'rewardModel' },
      notice: 'The large number says how many pairs it orders rightly that it was not trained on. A coin would get half of them.',
    },
    {
      title: 'Score an answer of yours',
      text: 'It scores anything. Each word is then left out once, to see how much the score moves without it.',
      task: 'Write an answer that you would like into the box and press “Score it”.',
      target: '#reward .box',
      waits: { for: 'scored' },
      notice: 'Look at the words that it underlined and struck through. Are those the words that make your answer good?',
    },
    {
      title: 'Fool it',
      text: 'The model that is tuned later has one goal: a higher score. You are quicker. Play it.',
      task: 'Find an answer that you think is worse than the first one you scored, but that scores higher. Repeat the underlined words, make it very long or very short, write nonsense.',
      target: '#reward .box',
      waits: { for: 'outscored' },
      notice: 'Found one. If you can do it in a few tries, a model that tries thousands of times will find such answers too. That is called reward hacking.',
    },
    {
      title: 'See where it errs',
      text: 'It can also be tested on the rankings themselves: where does it disagree, and is it as often right as it is sure?',
      task: 'Press “See where it errs” and read the first pair on which it disagrees.',
      target: '#reward .look',
      waits: { for: 'reviewed' },
      notice: 'Left of the line are the pairs that it has the wrong way round. Some of them may be its mistakes, some may be rankings that you would not have made either.',
    },
  ],
  learnt: [
    'A reward model turns rankings into a number for any answer. It saves asking people a thousand times.',
    'It learns what went along with good answers in its examples, such as length or a friendly word, and not goodness itself.',
    'It is a stand-in. Test it on pairs it has not seen, look at where it errs, and do not trust a score that is much higher than any it was trained on.',
  ],
} satisfies Lesson;
