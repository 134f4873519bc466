// German: the lessons and the teacher's page.

import type { LessonTexts } from '../texts';
import { base } from './lessons/base';
import { teacher } from './lessons/class-strings';
import { demonstrations } from './lessons/demonstrations';
import { leash } from './lessons/leash';
import { linkWords } from './lessons/link-strings';
import { rankings } from './lessons/rankings';
import { reward } from './lessons/reward';
import { words } from './lessons/strings';

export const lessons: LessonTexts = { lessons: { base, demonstrations, rankings, reward, leash }, words, teacher, linkWords };
