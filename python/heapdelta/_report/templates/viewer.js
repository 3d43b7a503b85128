// The flame graph: a tree of the stacks in the page, in either direction, drawn as boxes. Sizes and places are the only
// styles that are set.
const ROW = 23, LEAST = 3, MOST_ROWS = 200, MOST_LISTED = 500;
// Steps that are no name of the page: folded stacks, and boxes that are drawn together.
const FOLDED = -1, SMALLER = -2;

const viewer = (section) => {
  const data = JSON.parse(section.querySelector(".stacks-data").textContent);
  const names = data.names, live = data.live, all = unpacked(data);
  const root = section.querySelector(".viewer"), form = root.querySelector("form");
  const boxes = root.querySelector(".boxes"), told = root.querySelector(".told"), blind = root.querySelector(".blind");
  const listed = root.querySelector(".as-table .wide");
  const asked = { direction: "outward", by: data.by, show: "both", find: "", focus: false };
  let tree, zoomed, current, shown = [];

  const moduleOf = (step) => (names[step][0] === "frame" ? names[step][2] : step);
  const named = (step) => (names[step][0] === "frame" ? full(step) : names[step][1]);
  const full = (step) => {
    const module = names[names[step][2]], text = names[step][1];
    return module[1] === "no module" || text.startsWith(`${module[1]}+0x`) ? text : `${module[1]}!${text}`;
  };
  const matches = (step) => named(step).toLowerCase().includes(asked.find);
  const isFound = (stack) => (stack.steps || []).some(matches) || matches(stack.module);

  // What a stack is in the tree that is asked for.
  const way = (stack) => {
    const ordinary = names[stack.module][0] === "module";
    if (!stack.steps) return ordinary || asked.direction === "inward" ? [stack.module, FOLDED] : [stack.module];
    let steps = asked.direction === "outward" ? stack.steps.slice().reverse() : stack.steps;
    if (asked.by === "module") {
      steps = steps.map(moduleOf);
      if (asked.direction === "outward" && ordinary) steps = [stack.module, ...steps];
      return steps.filter((step, place) => step !== steps[place - 1]);
    }
    return asked.direction === "outward" && ordinary ? [stack.module, ...steps] : steps;
  };
  const node = (parent, step, name) => ({ parent, step, name, level: parent ? parent.level + 1 : 0, below: new Map(), before: 0, after: 0, grown: 0, shrunk: 0, blocks: 0, stacks: 0, id: null, children: null });
  const add = (place, stack) => {
    const change = stack.after - stack.before;
    place.before += stack.before;
    place.after += stack.after;
    if (change > 0) place.grown += change;
    else place.shrunk -= change;
    place.blocks = stack.blocks === null || place.blocks === null ? null : place.blocks + stack.blocks;
    place.id = place.stacks === 0 && stack.stacks === 1 ? stack.id : null;
    place.stacks += stack.stacks;
  };
  const weight = (place) => (asked.show === "grown" ? place.grown : asked.show === "shrunk" ? place.shrunk : place.grown + place.shrunk);
  const childrenOf = (place) => {
    place.children ??= [...place.below.values()].sort((one, other) => weight(other) - weight(one));
    return place.children;
  };
  const nameOf = (step, stack) => (step === FOLDED ? "smaller stacks" : named(step));

  const build = () => {
    tree = node(null, null, "total");
    let unseen = 0;
    for (const stack of all) {
      if (asked.focus && asked.find && !isFound(stack)) {
        if (!stack.steps) unseen += Math.abs(stack.after - stack.before);
        continue;
      }
      let place = tree;
      add(place, stack);
      for (const step of way(stack)) {
        let next = place.below.get(step);
        if (!next) place.below.set(step, (next = node(place, step, nameOf(step))));
        add(next, stack);
        place = next;
      }
    }
    blind.textContent = unseen ? `${bytes(unseen)} of change are in folded stacks, whose frames the page does not have: the filter cannot look into them.` : "";
    zoomed = current = tree;
  };

  const words = (place) => {
    const parts = [place.name];
    if (live) parts.push(`${bytes(place.after)} (${count(place.after)} bytes)`, `${share(place.after, tree.after)} of all`);
    else {
      const change = place.after - place.before;
      parts.push(`${bytes(change, true)} (${count(change, true)} bytes)`);
      if (place.grown && place.shrunk) parts.push(`grown ${bytes(place.grown, true)}, shrunk ${bytes(-place.shrunk, true)}`);
      parts.push(`${share(place.grown + place.shrunk, tree.grown + tree.shrunk)} of all change`);
    }
    parts.push(`${count(place.blocks, !live)} blocks`, `${count(place.stacks)} ${place.stacks === 1 ? "stack" : "stacks"}`);
    if (place.id) parts.push(place.id);
    return parts.join(" · ");
  };

  const drawn = (place, left, width, row, whole) => {
    const box = made("div", "box");
    const above = place.parent, sameModule = above && above.step !== null && above.step >= 0 && place.step !== null && place.step >= 0 && moduleOf(above.step) === moduleOf(place.step);
    let label = place.name;
    if (place.step !== null && place.step >= 0) {
      if (!sameModule) box.classList.add("of-module");
      else if (names[place.step][0] === "frame") label = names[place.step][1].replace(`${names[names[place.step][2]][1]}+`, "+");
    } else if (place.step === FOLDED || place.step === SMALLER) box.classList.add("small");
    const amount = live ? bytes(place.after) : bytes(place.after - place.before, true);
    box.textContent = width < 24 ? "" : width < 7 * (label.length + amount.length) ? label : `${label}  ${amount}`;
    if (asked.find && place.step !== null && place.step >= 0 && matches(place.step)) box.classList.add("found");
    box.style.left = `${left}px`;
    box.style.top = `${row * ROW}px`;
    box.style.width = `${width}px`;
    box.setAttribute("role", "treeitem");
    box.setAttribute("aria-level", String(place.level + 1));
    box.setAttribute("aria-label", words(place));
    box.title = words(place);
    box.tabIndex = -1;
    if (!live) {
      for (const part of ["grown", "shrunk"]) {
        if (!place[part] || (asked.show !== "both" && asked.show !== part)) continue;
        const bar = made("i", part);
        bar.style.width = `${(100 * place[part]) / (weight(place) || 1)}%`;
        box.append(bar);
      }
    }
    const entry = { place, box, left, width, row };
    box.addEventListener("click", () => { zoom(place); });
    box.addEventListener("mouseenter", () => { told.textContent = words(place); });
    box.addEventListener("focus", () => { current = place; told.textContent = words(place); });
    boxes.append(box);
    shown.push(entry);
    return entry;
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

  const draw = () => {
    boxes.replaceChildren();
    shown = [];
    const width = boxes.clientWidth || 1000, chain = [];
    for (let place = zoomed.parent; place; place = place.parent) chain.unshift(place);
    chain.forEach((place, row) => drawn(place, 0, width, row).box.classList.add("above"));
    let waiting = [[zoomed, 0, width]], row = chain.length;
    while (waiting.length && row < MOST_ROWS) {
      const next = [];
      for (const [place, left, wide] of waiting) {
        drawn(place, left, wide, row);
        // What is too narrow is drawn when one zooms into it.
        if (place.step === SMALLER && place !== zoomed) continue;
        const whole = weight(place), children = childrenOf(place).filter((child) => weight(child) > 0);
        let at = left;
        const few = [];
        for (const child of children) {
          const own = whole ? (wide * weight(child)) / whole : 0;
          if (own < LEAST && children.length > 1) few.push(child);
          else {
            next.push([child, at, own]);
            at += own;
          }
        }
        if (few.length) {
          const group = together(place, few), own = whole ? (wide * weight(group)) / whole : 0;
          if (own >= 1) next.push([group, at, own]);
        }
      }
      waiting = next;
      row += 1;
    }
    boxes.style.height = `${row * ROW}px`;
    const entry = shown.find((each) => each.place === current) || shown.find((each) => each.place === zoomed);
    entry.box.tabIndex = 0;
    told.textContent = words(entry.place);
    list();
  };

  const list = () => {
    const heads = live ? ["", "bytes", "share", "blocks", "stacks"] : ["", "growth", "grown", "shrunk", "blocks", "stacks"];
    const table = made("table"), head = made("tr"), body = made("tbody"), top = made("thead");
    heads.forEach((name, place) => head.append(made("th", place ? "number" : "", name || "what")));
    top.append(head);
    const cell = (line, text, exact) => {
      const field = made("td", exact === undefined ? "" : "number", text);
      if (exact !== undefined && exact !== null) field.dataset.exact = field.title = String(exact);
      line.append(field);
    };
    const children = childrenOf(zoomed);
    for (const place of children.slice(0, MOST_LISTED)) {
      const line = made("tr");
      cell(line, place.name);
      if (live) {
        cell(line, bytes(place.after), place.after);
        cell(line, share(place.after, tree.after), null);
      } else {
        cell(line, bytes(place.after - place.before, true), place.after - place.before);
        cell(line, bytes(place.grown, true), place.grown);
        cell(line, bytes(-place.shrunk, true), -place.shrunk);
      }
      cell(line, count(place.blocks, !live), place.blocks);
      cell(line, count(place.stacks), place.stacks);
      body.append(line);
    }
    table.append(top, body);
    listed.replaceChildren(table);
    if (children.length > MOST_LISTED) listed.append(made("p", "", `and ${count(children.length - MOST_LISTED)} more`));
  };

  const keep = () => {
    const path = [];
    for (let place = zoomed; place.parent; place = place.parent) if (place.step !== SMALLER) path.unshift(place.name);
    const text = new URLSearchParams([["direction", asked.direction], ["by", asked.by], ["show", asked.show], ...path.map((name) => ["in", name])]);
    try { history.replaceState(null, "", `#${text}`); } catch { /* a page in a notebook has no address of its own */ }
  };
  const restore = () => {
    form.elements.by.value = asked.by;
    const text = new URLSearchParams(location.hash.slice(1));
    for (const name of ["direction", "by", "show"]) {
      const field = form.elements[name], value = text.get(name);
      if (field && [...field.options].some((option) => option.value === value)) asked[name] = field.value = value;
    }
    build();
    for (const name of text.getAll("in")) zoomed = childrenOf(zoomed).find((child) => child.name === name) || zoomed;
    current = zoomed;
  };
  const zoom = (place) => {
    zoomed = current = place;
    draw();
    keep();
    if (boxes.contains(document.activeElement) || document.activeElement === document.body) focusOn(place);
  };
  const focusOn = (place) => {
    const entry = shown.find((each) => each.place === place);
    if (!entry) return;
    for (const each of shown) each.box.tabIndex = -1;
    entry.box.tabIndex = 0;
    entry.box.focus();
  };

  const moves = {
    ArrowDown: (entry) => shown.find((each) => each.row === entry.row + 1 && each.left >= entry.left - 0.5 && each.left < entry.left + entry.width),
    ArrowUp: (entry) => shown.find((each) => each.row === entry.row - 1 && each.left <= entry.left + 0.5 && each.left + each.width > entry.left + 0.5),
    ArrowRight: (entry) => shown.filter((each) => each.row === entry.row && each.left > entry.left).sort((one, other) => one.left - other.left)[0],
    ArrowLeft: (entry) => shown.filter((each) => each.row === entry.row && each.left < entry.left).sort((one, other) => other.left - one.left)[0],
  };
  boxes.addEventListener("keydown", (event) => {
    const entry = shown.find((each) => each.box === document.activeElement);
    if (!entry || event.ctrlKey || event.altKey || event.metaKey) return;
    if (moves[event.key]) {
      const target = moves[event.key](entry);
      if (target) focusOn(target.place);
    } else if (event.key === "Enter" || event.key === " ") zoom(entry.place);
    else if (event.key === "Backspace") zoom(zoomed.parent || zoomed);
    else if (event.key === "Escape") zoom(tree);
    else return;
    event.preventDefault();
  });
  const changed = () => {
    for (const name of ["direction", "by", "show"]) if (form.elements[name]) asked[name] = form.elements[name].value;
    asked.find = form.elements.find.value.trim().toLowerCase();
    asked.focus = form.elements.focus.checked;
    build();
    draw();
    keep();
    if (asked.find) {
      const hits = all.filter(isFound), total = node(null, null, `“${form.elements.find.value.trim()}”`);
      hits.forEach((stack) => add(total, stack));
      told.textContent = hits.length ? words(total) : `no stack has ${total.name}`;
    }
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["direction", "by", "show", "focus"]) form.elements[name]?.addEventListener("change", changed);
  let pause;
  form.elements.find.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(changed, 150);
  });
  form.elements.out.addEventListener("click", () => zoom(zoomed.parent || zoomed));
  form.elements.all.addEventListener("click", () => zoom(tree));
  let width = 0;
  root.hidden = false;
  section.querySelector(".still")?.classList.add("on-paper");
  restore();
  draw();
  new ResizeObserver(() => {
    if (boxes.clientWidth !== width) {
      width = boxes.clientWidth;
      draw();
    }
  }).observe(boxes);
};
