// Boxes too narrow for words are painted on one canvas: a thousand elements take longer than all the rest of a zoom.
// What is asked of such a box, by pointer or key, is found by its place.
const LABELLED = 24, BAR = 4, BOX = 21;

const thinBoxes = (boxes) => {
  const canvas = made("canvas"), pen = canvas.getContext("2d"), css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(`--${name}`);
  canvas.setAttribute("aria-hidden", "true");
  let painted = [], scale = 1;

  const hatched = () => {
    const tile = made("canvas"), tilePen = tile.getContext("2d");
    tile.width = tile.height = BAR;
    for (let y = 0; y < BAR; y += 1) for (let x = 0; x < BAR; x += 1) {
      tilePen.fillStyle = (x + y) % BAR < BAR / 2 ? colour("paper") : colour("hatch");
      tilePen.fillRect(x, y, 1, 1);
    }
    return pen.createPattern(tile, "repeat");
  };
  const paint = (entries, width, height) => {
    scale = window.devicePixelRatio || 1;
    const edge = (place) => Math.round(place * scale) / scale;
    painted = [];
    canvas.title = "";
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.cssText = `width:${width}px;height:${height}px`;
    pen.scale(scale, scale);
    const hatch = hatched(), dark = colour("dark"), colours = { found: colour("found"), small: colour("box-small"), "of-module": colour("box-of-module"), "": colour("box") };
    pen.strokeStyle = colour("found-line");
    for (const entry of entries) {
      const { left, width: wide, row, look, grown, shrunk } = entry;
      const start = edge(left), end = Math.max(start + 1 / scale, edge(left + wide) - 1), top = row * ROW;
      painted.push({ entry, row, start, end });
      pen.fillStyle = colours[look];
      pen.fillRect(start, top, end - start, BOX);
      if (look === "found" && end - start >= 2) pen.strokeRect(start + 0.5, top + 0.5, end - start - 1, BOX - 1);
      const turn = start + ((end - start) * grown) / (grown + shrunk || 1);
      if (grown) {
        pen.fillStyle = dark;
        pen.fillRect(start, top + BOX - BAR, turn - start, BAR);
      }
      if (shrunk) {
        pen.fillStyle = hatch;
        pen.fillRect(turn, top + BOX - BAR, end - turn, BAR);
      }
    }
  };
  const at = (event) => {
    if (event.target !== canvas) return undefined;
    const { left, top } = boxes.getBoundingClientRect(), x = event.clientX - left - boxes.clientLeft, row = Math.floor((event.clientY - top - boxes.clientTop) / ROW);
    const entry = painted.findLast((each) => each.row === row && each.start <= x && x < each.end)?.entry;
    canvas.style.cursor = entry ? "pointer" : "";
    if (!entry) canvas.title = "";
    return entry;
  };
  // A browser zooms, or a window comes to another screen.
  const isBlurred = () => scale !== (window.devicePixelRatio || 1);
  // Who forbids canvases has elements.
  return { canvas, paint: pen ? paint : () => {}, at, isBlurred, least: pen ? LABELLED : 0 };
};
