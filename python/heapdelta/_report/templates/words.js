// Numbers as people read them, as `_words` writes them; and elements, into which texts go as text content alone.
const UNITS = [["EiB", 2 ** 60], ["PiB", 2 ** 50], ["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 1024]];
// To make a format takes longer than a hundred numbers by it.
const formats = [0, 1, 2].map((digits) => new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const sign = (number, signed) => (number < 0 ? "-" : signed && number ? "+" : "");
const count = (number, signed) => (number === null ? "?" : sign(number, signed) + formats[0].format(Math.abs(number)));
const bytes = (number, signed) => {
  const size = Math.abs(number);
  const unit = UNITS.find(([, one]) => size >= one - one / 2048);
  if (!unit) return `${count(number, signed)} ${size === 1 ? "byte" : "bytes"}`;
  const scaled = size / unit[1], digits = scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return sign(number, signed) + formats[digits].format(scaled) + ` ${unit[0]}`;
};
const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "0.0 %");
const made = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
