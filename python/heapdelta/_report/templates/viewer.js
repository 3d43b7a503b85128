// The flame graph: a tree of the stacks in the page, in either direction, drawn as boxes. Sizes and places are the only
// styles that are set.
const ROW = 23, LEAST = 4, MOST_ROWS = 200, MOST_LISTED = 500;

const viewer = (section) => {
  const data = JSON.parse(section.querySelector(".stacks-data").textContent);
  const names = data.names, live = data.live, everything = unpacked(data);
  const root = section.querySelector(".viewer"), form = root.querySelector("form");
  const boxes = root.querySelector(".boxes"), told = root.querySelector(".told"), blind = root.querySelector(".blind");
  const listed = root.querySelector(".as-table .wide");
  const asked = { direction: "outward", by: data.by, show: "both", find: "", focus: false };
  const { moduleOf, named, short, way, weight, childrenOf } = steps(names, asked);
  const chosen = filters(names, form, live);
  let all = everything, said = "";
  // `hits`: which names have what is looked for.
  let tree, zoomed, current, reachable, pointed, hits = [], shown = [], entries = new Map(), width = 0;

  const isFound = (stack) => hits[stack.module] || (stack.steps || []).some((step) => hits[step]);
  const build = () => {
    tree = node(null, null, "total");
    hits = names.map((_, step) => asked.find !== "" && named(step).toLowerCase().includes(asked.find));
    let unseen = 0;
    for (const stack of all) {
      if (asked.focus && asked.find && !isFound(stack)) {
        if (!stack.steps) unseen += Math.abs(stack.after - stack.before);
        continue;
      }
      stack.way = way(stack);
      add(tree, stack);
    }
    blind.textContent = unseen ? `${bytes(unseen)} of change are in folded stacks, whose frames the page does not have: the filter cannot look into them.` : "";
    if (said) blind.textContent = `${said} ${blind.textContent}`.trim();
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

  const thin = thinBoxes(boxes);
  const blank = made("div", "box");
  blank.setAttribute("role", "treeitem");
  blank.tabIndex = -1;
  // What a box looks like; its element is made where there is room for words, or when a key comes to it.
  const placed = (place, left, width, row) => {
    const isName = place.step !== null && place.step >= 0, above = place.parent?.step ?? -1;
    const entersModule = isName && (above < 0 || moduleOf(above) !== moduleOf(place.step));
    const look = isName && hits[place.step] ? "found" : entersModule ? "of-module" : isName || place.step === null ? "" : "small";
    const grown = !live && asked.show !== "shrunk" ? place.grown : 0, shrunk = !live && asked.show !== "grown" ? place.shrunk : 0;
    const entry = { place, box: null, left, width, row, look, entersModule, isInModule: isName && !entersModule, grown, shrunk };
    shown.push(entry);
    if (width >= thin.least) drawn(entry);
    return entry;
  };
  const drawn = (entry) => {
    if (entry.box) return entry.box;
    const { place, left, width, row, look, entersModule, isInModule, grown, shrunk } = entry, box = blank.cloneNode(false);
    let called = place.name;
    if (width >= LABELLED) {
      const label = isInModule ? short(place.step) : place.name;
      const amount = live ? bytes(place.after) : bytes(place.after - place.before, true);
      const room = width >= 7 * (label.length + amount.length);
      box.textContent = room ? `${label}  ${amount}` : label;
      // Who speaks to the page says what is to be seen.
      if (room) called = `${place.name}  ${amount}`;
    }
    const kinds = ["box", width < LABELLED && "thin", look, entersModule && "of-module", grown && "grown", shrunk && "shrunk"];
    box.className = kinds.filter(Boolean).join(" ");
    const part = (100 * grown) / (grown + shrunk);
    box.style.cssText = `left:${left}px;top:${row * ROW}px;width:${width}px;${grown && shrunk ? `background-size:${part}% 4px,${100 - part}% 4px` : ""}`;
    box.setAttribute("aria-level", place.level + 1);
    box.setAttribute("aria-label", called);
    entries.set(box, entry);
    entry.box = box;
    return box;
  };

  // The numbers of a box are made when they are asked for: thousands would take longer than the drawing.
  const tell = ({ place, box }) => {
    pointed = place;
    told.textContent = (box || thin.canvas).title = words(place);
    if (box) box.setAttribute("aria-label", box.title);
  };

  const draw = () => {
    shown = [];
    entries = new Map();
    const chain = [];
    for (let place = zoomed.parent; place; place = place.parent) chain.unshift(place);
    chain.forEach((place, row) => drawn(placed(place, 0, width || 1000, row)).classList.add("above"));
    let waiting = [[zoomed, 0, width || 1000]], row = chain.length;
    while (waiting.length && row < MOST_ROWS) {
      const next = [];
      for (const [place, left, wide] of waiting) {
        placed(place, left, wide, row);
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
    reachable = shown.find((each) => each.place === current) || shown.find((each) => each.place === zoomed);
    drawn(reachable).tabIndex = 0;
    thin.paint(shown.filter((entry) => !entry.box), width || 1000, row * ROW);
    boxes.replaceChildren(thin.canvas, ...shown.filter((entry) => entry.box).map((entry) => entry.box));
    boxes.style.height = `${row * ROW}px`;
    tell(reachable);
    list();
  };

  const list = () => {
    if (!listed.parentNode.open) return;
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
    const text = new URLSearchParams([["direction", asked.direction], ["by", asked.by], ["show", asked.show], ...FILTERS.map((name) => [name, form.elements[name].value]).filter(([, text]) => text), ...path.map((name) => ["in", name])]);
    try { history.replaceState(null, "", `#${text}`); } catch { /* a page in a notebook has no address of its own */ }
  };
  const restore = () => {
    form.elements.by.value = asked.by;
    const text = new URLSearchParams(location.hash.slice(1));
    for (const name of ["direction", "by", "show"]) {
      const field = form.elements[name], value = text.get(name);
      if (field && [...field.options].some((option) => option.value === value)) asked[name] = field.value = value;
    }
    for (const name of FILTERS) form.elements[name].value = text.get(name) || "";
    if (FILTERS.some((name) => form.elements[name].value)) form.querySelector(".filters").open = true;
    ({ stacks: all, said } = chosen(everything));
    build();
    for (const name of text.getAll("in")) zoomed = childrenOf(zoomed).find((child) => child.name === name) || zoomed;
    current = zoomed;
  };
  const zoom = (place) => {
    zoomed = current = place;
    draw();
    // The address takes as long as the drawing, and nobody waits for it.
    setTimeout(keep);
    if (boxes.contains(document.activeElement) || document.activeElement === document.body) focusOn(place);
  };
  const focusOn = (place) => {
    const entry = shown.find((each) => each.place === place);
    if (!entry) return;
    reachable.box.tabIndex = -1;
    reachable = entry;
    const box = drawn(entry);
    if (!box.parentNode) {
      const next = shown.slice(shown.indexOf(entry) + 1).find((each) => each.box?.parentNode);
      boxes.insertBefore(box, next ? next.box : null);
    }
    box.tabIndex = 0;
    box.focus();
  };

  const moves = {
    ArrowDown: (entry) => shown.find((each) => each.row === entry.row + 1 && each.left >= entry.left - 0.5 && each.left < entry.left + entry.width),
    ArrowUp: (entry) => shown.find((each) => each.row === entry.row - 1 && each.left <= entry.left + 0.5 && each.left + each.width > entry.left + 0.5),
    ArrowRight: (entry) => shown.filter((each) => each.row === entry.row && each.left > entry.left).sort((one, other) => one.left - other.left)[0],
    ArrowLeft: (entry) => shown.filter((each) => each.row === entry.row && each.left < entry.left).sort((one, other) => other.left - one.left)[0],
  };
  const over = (name, act) => boxes.addEventListener(name, (event) => {
    const entry = entries.get(event.target) || thin.at(event);
    if (entry) act(entry);
  });
  over("click", (entry) => zoom(entry.place));
  over("mousemove", (entry) => {
    if (entry.place !== pointed) tell(entry);
  });
  boxes.addEventListener("mouseleave", () => { pointed = null; });
  window.addEventListener("resize", () => { if (thin.isBlurred()) draw(); });
  over("focusin", (entry) => {
    current = entry.place;
    tell(entry);
  });
  boxes.addEventListener("keydown", (event) => {
    const entry = entries.get(document.activeElement);
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
    ({ stacks: all, said } = chosen(everything));
    build();
    draw();
    keep();
    if (asked.find) {
      const having = all.filter(isFound), total = node(null, null, `“${form.elements.find.value.trim()}”`);
      having.forEach((stack) => add(total, stack));
      told.textContent = having.length ? words(total) : `no stack has ${total.name}`;
    }
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["direction", "by", "show", "focus"]) form.elements[name]?.addEventListener("change", changed);
  let pause;
  for (const name of ["find", ...FILTERS]) form.elements[name].addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(changed, 150);
  });
  form.elements.out.addEventListener("click", () => zoom(zoomed.parent || zoomed));
  form.elements.all.addEventListener("click", () => zoom(tree));
  listed.parentNode.addEventListener("toggle", list);
  root.hidden = false;
  section.querySelector(".still")?.classList.add("on-paper");
  restore();
  width = boxes.clientWidth;
  draw();
  new ResizeObserver(() => {
    if (boxes.clientWidth !== width) {
      width = boxes.clientWidth;
      draw();
    }
  }).observe(boxes);
};
