// The words of what the page says about itself.

export const about = {
  title: 'About this page',
  what:
    'Nudge is free software, under the MIT or the Apache 2.0 licence, as you like. The same Rust crates build this page and the ' +
    'command line nudge, for larger models and more data.',
  source: 'Source',
  sourceUrl: 'https://github.com/nudge-rlhf/nudge',
  licences: 'Licences of what it is built from',
  leaves: 'How to check that nothing leaves',
  ways: [
    'Turn the network off, airplane mode for instance, and go on: everything here works without one once the page says that it is kept.',
    'Open the browser’s developer tools (F12), the tab “Network”, and use the page: after it has loaded there is no request, but for models that you ask for.',
    'The page’s content policy lets it talk to this site alone; you find it at the top of its source. Where you ask for a model from another address, a frame apart (ask.html) fetches it, which sees nothing of the page.',
  ],
  kept: 'This page is kept in this browser and works without a network. You can install it from the browser’s menu.',
  notKept: 'This page is not kept in this browser yet.',
  newer: 'A new version of this page is ready. What runs would go on from its last checkpoint.',
  take: 'Use it now',
  later: 'Later',
};
