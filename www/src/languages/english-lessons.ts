// The English texts of the lessons and of the teacher's page.

import { teacher } from '../lessons/class-strings';
import { lessons as all } from '../lessons/lesson';
import { linkWords } from '../lessons/link-strings';
import { words } from '../lessons/strings';

export const lessons = { lessons: all, words, teacher, linkWords };
