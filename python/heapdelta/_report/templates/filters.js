// Filters of the graph: which stacks it has, and which of their frames. Patterns are those of the command line, `module` or `module!function`
// with * and ?, without regard to case; several are parted by a semicolon. What a stack counts for stays as it is.
const FILTERS = ["only", "without", "hide"];
const wildcard = (text, end = "") => new RegExp(`^${text.toLowerCase().replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}${end}$`, "s");
const pattern = (text) => {
  const [module, ...rest] = text.split("!"), called = rest.join("!");
  return { module: wildcard(module), called: rest.length && called !== "*" ? wildcard(called, "(?:\\(.*)?") : null };
};

const filters = (names, form, live) => {
  const hidden = names.push(["all frames hidden", "all frames hidden"]) - 1;
  const nameOf = (step) => (names[step][1] === "no module" ? "" : names[step][1].toLowerCase());
  const isMeant = (step, { module, called }) => {
    const [kind, text, home] = names[step];
    if (kind !== "frame") return kind === "module" && called === null && module.test(nameOf(step));
    const own = nameOf(home), isAddress = text.toLowerCase().startsWith(`${own}+0x`) || /^[0-9A-F]+$/.test(text);
    return module.test(own) && (called === null || (!isAddress && called.test(text.toLowerCase())));
  };
  // Which names are meant; null where no pattern is given.
  const meant = (field) => {
    const patterns = form.elements[field].value.split(";").map((text) => text.trim()).filter(Boolean).map(pattern);
    return patterns.length ? names.map((_, step) => patterns.some((each) => isMeant(step, each))) : null;
  };
  return (everything) => {
    const [only, without, hide] = FILTERS.map(meant), stacks = [], out = { bytes: 0, unseen: 0 };
    for (const stack of everything) {
      const has = (hits) => (stack.steps ? stack.steps.some((step) => hits[step]) : hits[stack.module]);
      const leaves = (!only || has(only)) && !(without && has(without));
      // Folded stacks have a module and no frames.
      if (!stack.steps && ((only && !leaves) || (without && leaves))) out.unseen += Math.abs(stack.after - stack.before);
      if (!leaves) {
        out.bytes += stack.after - stack.before;
        continue;
      }
      const steps = hide && stack.steps ? stack.steps.filter((step) => !hide[step]) : stack.steps;
      stacks.push(steps && !steps.length ? { ...stack, steps: [hidden] } : { ...stack, steps });
    }
    const said = only || without ? [`Filters leave out ${bytes(out.bytes, !live)}.`] : [];
    if (out.unseen) said.push(`${bytes(out.unseen)} ${live ? "" : "of change "}are in folded stacks, whose frames the page does not have: they go by their module alone.`);
    return { stacks, said: said.join(" ") };
  };
};
