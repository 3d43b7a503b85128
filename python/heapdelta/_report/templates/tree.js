// The tree of stacks, in either direction. Children are made when they are asked for: most of a tree is too narrow to be drawn.
// Steps that are no name of the page: folded stacks, and boxes that are drawn together.
const FOLDED = -1, SMALLER = -2;

const node = (parent, step, name) => ({ parent, step, name, level: parent ? parent.level + 1 : 0, passing: [], before: 0, after: 0, grown: 0, shrunk: 0, blocks: 0, stacks: 0, id: null, children: null });
const add = (place, stack) => {
  const change = stack.after - stack.before;
  place.before += stack.before;
  place.after += stack.after;
  if (change > 0) place.grown += change;
  else place.shrunk -= change;
  place.blocks = stack.blocks === null || place.blocks === null ? null : place.blocks + stack.blocks;
  place.id = place.stacks === 0 && stack.stacks === 1 ? stack.id : null;
  place.stacks += stack.stacks;
  place.passing.push(stack);
};
// Children that are too narrow are one box, into which one can zoom.
const together = (parent, few) => {
  const group = node(parent, SMALLER, `${count(few.length)} smaller`);
  for (const each of few) {
    for (const part of ["before", "after", "grown", "shrunk", "stacks"]) group[part] += each[part];
    group.blocks = group.blocks === null || each.blocks === null ? null : group.blocks + each.blocks;
  }
  group.children = few;
  return group;
};

// What names of a page mean, and what is asked of them: `asked` has direction, by, show and find.
const steps = (names, asked) => {
  const moduleOf = (step) => (names[step][0] === "frame" ? names[step][2] : step);
  const full = (step) => {
    const module = names[names[step][2]], text = names[step][1];
    return module[1] === "no module" || text.startsWith(`${module[1]}+0x`) ? text : `${module[1]}!${text}`;
  };
  const named = (step) => (step === FOLDED ? "smaller stacks" : names[step][0] === "frame" ? full(step) : names[step][1]);
  // Behind its module's box a frame needs no module.
  const short = (step) => (names[step][0] === "frame" ? names[step][1].replace(`${names[names[step][2]][1]}+`, "+") : named(step));
  // What a stack is in the tree that is asked for.
  const way = (stack) => {
    const ordinary = names[stack.module][0] === "module", outward = asked.direction === "outward";
    if (!stack.steps) return ordinary || !outward ? [stack.module, FOLDED] : [stack.module];
    let found = outward ? [...stack.steps].reverse() : stack.steps;
    if (asked.by === "module") found = found.map(moduleOf);
    if (outward && ordinary) found = [stack.module, ...found];
    return asked.by === "module" ? found.filter((step, place) => step !== found[place - 1]) : found;
  };
  const weight = (place) => (asked.show === "grown" ? place.grown : asked.show === "shrunk" ? place.shrunk : place.grown + place.shrunk);
  const childrenOf = (place) => {
    if (place.children) return place.children;
    const below = new Map();
    for (const stack of place.passing) {
      const step = stack.way[place.level];
      if (step === undefined) continue;
      let next = below.get(step);
      if (!next) below.set(step, (next = node(place, step, named(step))));
      add(next, stack);
    }
    place.passing = null;
    return (place.children = [...below.values()].sort((one, other) => weight(other) - weight(one)));
  };
  return { moduleOf, named, short, way, weight, childrenOf };
};
