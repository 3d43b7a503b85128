// Stacks as the page has them become lists of steps, from the start of the thread on; folded ones have one step.
const unpacked = (data) => {
  const { stacks, folded } = data, all = [];
  let steps = [], at = 0;
  stacks.length.forEach((length, place) => {
    const own = length - stacks.shared[place];
    steps = steps.slice(0, stacks.shared[place]).concat(stacks.steps.slice(at, at + own));
    at += own;
    all.push({ steps, module: stacks.module[place], before: stacks.before[place], after: stacks.after[place], blocks: stacks.blocks[place], id: stacks.id[place], stacks: 1 });
  });
  folded.module.forEach((module, place) => {
    all.push({ steps: null, module, before: folded.before[place], after: folded.after[place], blocks: folded.blocks[place], id: null, stacks: folded.stacks[place] });
  });
  return all;
};
