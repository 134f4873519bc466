// A ranking in the making: groups of completions, best group first, ties share a group.
//
// Pure functions from one ranking to the next.

/** Indices into the completions, best first; those of one group are tied. */
export type Groups = number[][];

/** Every completion alone in its group, in the order given. */
export function untied(count: number): Groups {
  return Array.from({ length: count }, (_, index) => [index]);
}

/** The same ranking where only the first places count: whatever comes behind `places` completions is tied. */
export function onlyFirst(groups: Groups, places: number): Groups {
  let counted = 0;
  const first = groups.filter((members) => {
    const counts = counted < places;
    counted += members.length;
    return counts;
  });
  const rest = groups.slice(first.length).flat();
  return rest.length > 0 ? [...first, rest] : first;
}

/** All completions as good as each other. */
export function allTied(count: number): Groups {
  return [Array.from({ length: count }, (_, index) => index)];
}

/** The completions from best to worst; tied ones stand side by side. */
export function flat(groups: Groups): number[] {
  return groups.flat();
}

/** How a completion is called: A, B, C. */
export const letter = (item: number) => String.fromCharCode(65 + item);

/** Whether it is tied with the one that stands above it. */
export const isTiedAbove = (groups: Groups, item: number) => groups.some((members) => members.indexOf(item) > 0);

/** The rank of a completion as in sports, from 1: two tied at 2 are followed by 4. */
export function rankOf(groups: Groups, item: number): number {
  const group = groups.findIndex((members) => members.includes(item));
  return 1 + groups.slice(0, group).flat().length;
}

export function isTied(groups: Groups, item: number): boolean {
  return groups.some((members) => members.length > 1 && members.includes(item));
}

/** One up (-1) or down (+1). A tied completion leaves its tie first; an untied one passes the next group. */
export function move(groups: Groups, item: number, direction: -1 | 1): Groups {
  const at = groups.findIndex((members) => members.includes(item));
  const group = groups[at];
  if (!group) return groups;
  if (group.length > 1) {
    const rest = group.filter((member) => member !== item);
    return groups.toSpliced(at, 1, ...(direction < 0 ? [[item], rest] : [rest, [item]]));
  }
  const target = at + direction;
  if (target < 0 || target >= groups.length) return groups;
  return groups.toSpliced(at, 1).toSpliced(target, 0, group);
}

/** Puts a completion alone at a place from 1, or at the nearest edge of a tie that holds this place. */
export function placeAt(groups: Groups, item: number, place: number): Groups {
  const others = groups.map((members) => members.filter((member) => member !== item)).filter((m) => m.length > 0);
  let before = 0;
  let index = 0;
  while (index < others.length && before + others[index]!.length <= place - 1) before += others[index++]!.length;
  const inside = index < others.length && place - 1 > before;
  return others.toSpliced(inside ? index + 1 : index, 0, [item]);
}

/** Ties a completion with the group above it, or, where it is tied with that one already, unties it. */
export function toggleTie(groups: Groups, item: number): Groups {
  const at = groups.findIndex((members) => members.includes(item));
  const group = groups[at];
  if (!group) return groups;
  if (group.indexOf(item) > 0) {
    const cut = group.indexOf(item);
    return groups.toSpliced(at, 1, group.slice(0, cut), group.slice(cut));
  }
  const above = groups[at - 1];
  return above ? groups.toSpliced(at - 1, 2, [...above, ...group]) : groups;
}
