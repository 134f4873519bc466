// The English texts of the page, under the names by which the other languages have them.

import { bench } from '../bench/strings';
import { about } from '../lib/about-strings';
import { ofExamples } from '../lib/examples-strings';
import { foretold } from '../lib/foretold-strings';
import { leash } from '../lib/leash-strings';
import { look } from '../lib/look-strings';
import { files, opening } from '../lib/opening-strings';
import { quick } from '../lib/quick-strings';
import { t } from '../lib/strings';
import { verdictWords } from '../lib/verdict-strings';
import { trainer } from './trainer';

export const page = { strings: t, about, bench, ofExamples, foretold, leash, look, files, opening, quick, verdictWords, trainer };
