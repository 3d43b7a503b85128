// Tables are sorted by a click on a heading; rows of sums stay at the end.
const sortable = (table) => {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = made("button", "", head.textContent);
    let down = false;
    button.type = "button";
    button.addEventListener("click", () => {
      const body = table.tBodies[0], rows = [...body.rows].filter((row) => !row.className), ends = [...body.rows].filter((row) => row.className);
      const key = (row) => row.cells[column].dataset.exact;
      down = !down;
      rows.sort((one, other) => {
        const order = key(one) === undefined || key(other) === undefined ? (key(one) === undefined) - (key(other) === undefined) || other.cells[column].textContent.localeCompare(one.cells[column].textContent) : Number(key(other)) - Number(key(one));
        return down ? order : -order;
      });
      for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...rows, ...ends);
    });
    head.replaceChildren(button);
  });
};
