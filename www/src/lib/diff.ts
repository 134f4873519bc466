// What was changed from one text to another, word by word.

export type Piece = { text: string; kind: 'same' | 'gone' | 'new' };

/** More words than a screen's answer has; beyond that the table below would grow too large. */
const MOST = 800;

/** The longest common subsequence of words stays; what is around it went or came. */
export function wordDiff(before: string, after: string): Piece[] {
  const [a, b] = [wordsOf(before), wordsOf(after)];
  if (a.length > MOST || b.length > MOST) return joined([...a.map(gone), ...b.map(come)]);
  // common[i][j]: words in common from a[i] and b[j] on.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) pieces.push({ text: a[i++]!, kind: 'same' }), j++;
    else if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!)) pieces.push(gone(a[i++]!));
    else pieces.push(come(b[j++]!));
  }
  return joined(pieces);
}

/** Words with the space behind them. */
const wordsOf = (text: string) => text.match(/\S+\s*|\s+/g) ?? [];
const gone = (text: string): Piece => ({ text, kind: 'gone' });
const come = (text: string): Piece => ({ text, kind: 'new' });

/** Neighbours of one kind as one piece. */
function joined(pieces: Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last?.kind === piece.kind) last.text += piece.text;
    else result.push({ ...piece });
  }
  return result;
}
