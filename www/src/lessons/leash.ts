// Lesson 5: the leash, that is the KL penalty.

import type { Lesson } from './lesson';

export const leash = {
  title: 'The leash',
  about: 'A model that only chases a score runs away from what was meant. The KL divergence holds it back.',
  minutes: 30,
  parts: ['tune'],
  ready: ['instruct'],
  question: {
    text: 'A model is trained to get ever higher scores from a reward model, with nothing to hold it back. What becomes of its answers in the end?',
    answers: {
      better: 'They get better and better, as the score does.',
      exploit: 'The score goes on rising, but the answers need not get better, and often they get worse.',
      same: 'They stay the same, since the reward model knows them already.',
      shorter: 'They only get shorter.',
    },
    right: 'exploit',
  },
  steps: [
    {
      title: 'Without a leash',
      text: 'This lab knows the true goal: never repeat yourself. A reward model, the proxy, has to guess it from twelve rankings. The tuned model sees the proxy alone.',
      task: 'Choose “No leash” and press “Let it run”.',
      target: '[data-testid="leash-lab"]',
      waits: { for: 'ranWithoutLeash' },
      notice: 'Each point is a step of training. The proxy is what was trained for, the true rule is what was meant. Compare where the two went.',
    },
    {
      title: 'On a short leash',
      text: 'Now every nat of KL has a price. The KL divergence says how far the model has moved from where it began.',
      task: 'Choose “Short leash” and let it run.',
      target: '[data-testid="leash-lab"]',
      waits: { for: 'ranOnShortLeash' },
      notice: 'Look at how far it got on the axis below. It gained less of the proxy, and had less room to run away from what was meant.',
    },
    {
      title: 'Your own length',
      text: 'Too short, and nothing is learnt. Too long, and the proxy is hacked. Somebody has to choose.',
      task: 'Set a price between the two with the slider and let it run. Say first what you expect.',
      target: '[data-testid="leash-lab"]',
      waits: { for: 'ranBetween' },
      notice: 'Were you right? A run is also chance: with another seed the proxy misses something else. That is why such curves are drawn from many runs.',
    },
  ],
  learnt: [
    'A score that stands in for what we want stops being a good one when it is chased hard enough. This is called Goodhart’s law.',
    'The leash puts a price on every step away from the start, measured as the KL divergence.',
    'How long it should be cannot be read off the score itself. One has to look at what was really wanted.',
  ],
} satisfies Lesson;
