// Takes the pictures of the page, for `cargo xtask screenshots`.

import config from './playwright.config';

const [page] = config.projects!;

export default { ...config, projects: [{ name: 'pictures', testMatch: 'pictures.spec.ts', use: page!.use }] };
