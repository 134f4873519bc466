// Spanish: every text of the page. The reader is addressed with “tú”.

import type { PageTexts } from '../texts';
import { about } from './about-strings';
import { bench } from './bench-strings';
import { ofExamples } from './examples-strings';
import { foretold } from './foretold-strings';
import { leash } from './leash-strings';
import { look } from './look-strings';
import { files, opening } from './opening-strings';
import { quick } from './quick-strings';
import { t } from './strings';
import { trainer } from './trainer';
import { verdictWords } from './verdict-strings';

export const page: PageTexts = { strings: t, about, bench, ofExamples, foretold, leash, look, files, opening, quick, verdictWords, trainer };
