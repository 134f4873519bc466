// Lets the page be type-checked where the trainer has not been compiled yet.
declare module '*/nudge_web.js';
